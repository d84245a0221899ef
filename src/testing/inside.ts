// What bodies call while they run: the simulated Atomics, views, clock, timers and markers all end here.
// Invariant: an operation returns the next result of the log, or is noted as pending and throws SUSPEND.

import { ModelError } from "./errors.ts";
import { CLOCK_ADDRESS, ELEMS, type Elem, NOW, type Op, type Scalar, sameOp } from "./ops.ts";
import { differs, type Run, SUSPEND } from "./run.ts";
import type { Port } from "./simulated-atomics.ts";
import type { Space, ViewInfo } from "./space.ts";
import { Views } from "./views.ts";

const CLOCK_ELEM: Elem = ELEMS.Float64Array;

export class Inside implements Port {
  readonly views: Views;
  protected readonly space: Space;
  /** The run of a body that goes on now. */
  protected current: Run | undefined;
  /** Performs the operations of a crash hook while one runs. */
  hook: ((op: Op) => unknown) | undefined;

  constructor(space: Space) {
    this.space = space;
    this.views = new Views(space, (kind, elem, addr, a, b) => this.perform(kind, elem, addr, a, b));
  }

  active(): boolean {
    return this.current !== undefined || this.hook !== undefined;
  }

  info(view: object): ViewInfo | undefined {
    return this.views.info(view);
  }

  operate(kind: number, info: ViewInfo, index: number, a: Scalar, b: Scalar): unknown {
    return this.perform(kind, info.elem, info.addr + index * info.elem.size, a, b);
  }

  /** Reads the injected clock, or the given real one outside bodies. */
  now(real: () => number): number {
    if (!this.active()) return real();
    return this.perform(NOW, CLOCK_ELEM, CLOCK_ADDRESS, 0, 0) as number;
  }

  asyncResult(result: unknown): unknown {
    if (typeof result === "string") return { async: false, value: result };
    const run = this.current as Run;
    run.async = true;
    const token = ++run.tokens;
    return { async: true, value: new Promise((resolve) => run.listeners.set(token, resolve)) };
  }

  /** setTimeout, setInterval, setImmediate. Undefined outside bodies. */
  timer(callback: () => void, ms: number, every: boolean): { token: number } | undefined {
    const run = this.current;
    if (run === undefined) return undefined;
    run.async = true;
    const token = ++run.tokens;
    run.listeners.set(token, callback);
    if (every) run.repeating.add(token);
    run.note({ type: "timer", token, ms, every });
    return { token };
  }

  clearTimer(token: number): void {
    const run = this.current;
    if (run === undefined || !run.listeners.delete(token)) return;
    run.note({ type: "clear", token });
  }

  mark(type: "optimistic" | "validated" | "discarded"): void {
    this.current?.note({ type });
  }

  /** Whether a checkpoint would count: what a body does on its way through its log is known. */
  listens(): boolean {
    return this.current?.isNew() === true;
  }

  checkpoint(values: readonly unknown[]): void {
    const run = this.current;
    if (run?.isNew()) run.checkpoint(run.scopes.at(-1) ?? 0, values);
  }

  scope<T>(work: () => T, also?: () => readonly unknown[]): T {
    const run = this.current;
    if (run === undefined) return work();
    const base = run.pos;
    run.scopes.push(base);
    let result: T;
    try {
      result = work();
    } finally {
      run.scopes.pop();
    }
    if (run.isNew()) run.checkpoint(base, ["done", result, ...(also?.() ?? [])]);
    return result;
  }

  foreign(what: string): never {
    const run = this.current;
    if (run === undefined) throw new ModelError("ERR_MODEL_FOREIGN_STATE", `onCrash: ${what} that is not the model's`);
    return this.refuse(
      run,
      "ERR_MODEL_FOREIGN_STATE",
      `${what} that is not part of the memory given to explore(); what threads share must be in \`memory\``,
    );
  }

  /** A body used something that no schedule determines. Returns outside bodies. */
  forbidden(code: "ERR_MODEL_RANDOMNESS" | "ERR_MODEL_REAL_TIME", what: string): void {
    if (this.current !== undefined) this.refuse(this.current, code, what);
  }

  private refuse(run: Run, code: ConstructorParameters<typeof ModelError>[0], what: string): never {
    if (run.suspended) throw SUSPEND;
    return run.fail(new ModelError(code, what, run.actor.name, run.pos));
  }

  private perform(kind: number, elem: Elem, addr: number, a: Scalar, b: Scalar): unknown {
    const run = this.current;
    if (run === undefined) {
      if (this.hook !== undefined) return this.hook({ kind, elem, addr, a, b });
      throw new ModelError("ERR_MODEL_FOREIGN_STATE", "a view given to a body was used outside that body");
    }
    if (run.suspended) throw SUSPEND;
    const op: Op = { kind, elem, addr, a, b };
    if (run.pos === run.log.length) {
      run.op = op;
      run.suspended = true;
      throw SUSPEND;
    }
    const before = run.ops[run.pos];
    if (before === undefined || !sameOp(before, op)) run.fail(differs(run, op));
    return run.log[run.pos++];
  }
}
