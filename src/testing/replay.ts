// Replay by throw: how one body is run up to its next operation.
//
//   log:      r0 r1 r2          the body runs from its start; its first three operations return r0 r1 r2;
//   the fourth operation        is noted as pending and throws SUSPEND; until the body has unwound, each further
//                               operation throws SUSPEND too, so that neither `finally` nor `catch` can act.
//
// Async bodies run the same way; when the stack and the microtask queue are empty the next delivery of the log (a
// settled waitAsync, a fired timer) is made. Nothing else can resolve what they await: every source is simulated.
// Invariant: between two replays no code of any body is running or queued.

import type { AsyncWatchdog } from "./async-watchdog.ts";
import { ModelError } from "./errors.ts";
import { Inside } from "./inside.ts";
import type { Op } from "./ops.ts";
import { type Actor, differs, drained, Run } from "./run.ts";
import { mapShape, type Space } from "./space.ts";
import type { Delivery, End, Outcome } from "./tree.ts";

/** Thrown when a synchronous replay meets an async body; the caller replays it with `runAsync`. */
export class NeedsAsync extends Error {}

export class Replayer extends Inside {
  private readonly memory: unknown;
  private abandoned: Run | undefined;

  /** The bodies were ended in the middle of a run. */
  drop(): void {
    this.current = undefined;
    this.abandoned = undefined;
  }

  /** Where the body stood last: for the report about a body that never comes back. */
  last: { name: string; step: number } = { name: "", step: 0 };
  count = 0;
  /** Called before each run of a body. */
  private readonly reset: (() => void) | undefined;

  private readonly watchdog: AsyncWatchdog;

  constructor(space: Space, memory: unknown, watchdog: AsyncWatchdog, reset?: () => void) {
    super(space);
    this.reset = reset;
    this.watchdog = watchdog;
    this.memory = memory;
  }

  /** Runs a synchronous body against a log. */
  run(actor: Actor, log: readonly unknown[], ops: readonly (Op | undefined)[], round: number): Outcome {
    const run = this.begin(actor, log, ops);
    try {
      const value = this.call(run, round);
      if (isThenable(value)) {
        run.async = true;
        // Whatever becomes of this attempt is of no interest: the body is replayed with its microtasks.
        value.then(ignore, ignore);
      } else {
        run.end = { value };
      }
    } catch (error) {
      if (!run.suspended) run.end = { error };
    } finally {
      this.current = undefined;
    }
    if (run.async && run.fault === undefined) {
      // What this attempt has queued must find itself suspended when it runs.
      run.suspended = true;
      this.abandoned = run;
      throw new NeedsAsync();
    }
    return this.outcome(run);
  }

  /** Runs any body against a log, letting its microtasks run dry after the start and after each delivery. */
  async runAsync(
    actor: Actor,
    log: readonly unknown[],
    ops: readonly (Op | undefined)[],
    round: number,
  ): Promise<Outcome> {
    await this.watchdog.ready();
    if (this.abandoned !== undefined) {
      this.watchdog.begin();
      this.current = this.abandoned;
      this.abandoned = undefined;
      await this.drain();
    }
    const run = this.begin(actor, log, ops);
    this.watchdog.begin();
    try {
      try {
        const value = this.call(run, round);
        if (isThenable(value)) {
          run.async = true;
          value.then(
            (v) => this.settle(run, { value: v }),
            (error: unknown) => this.settle(run, { error }),
          );
        } else {
          run.end = { value };
        }
      } catch (error) {
        if (!run.suspended) run.end = { error };
      }
      await this.drain();
      while (!run.suspended && run.pos < log.length) {
        this.deliver(run);
        await this.drain();
      }
    } finally {
      this.current = undefined;
      this.watchdog.end();
    }
    if (run.async && !actor.async) {
      actor.async = true;
      // Found out on the first run: its rounds have to be one.
      if (actor.rounds > 1) return this.runAsync(actor, log, ops, round);
    }
    return this.outcome(run);
  }

  private async drain(): Promise<void> {
    await drained();
    // Microtasks that were ended halfway look like none: the watchdog's timer tells.
    if (this.watchdog.stopped()) await new Promise(() => undefined);
  }

  private begin(actor: Actor, log: readonly unknown[], ops: readonly (Op | undefined)[]): Run {
    this.count++;
    this.reset?.();
    const run = new Run(actor, log, ops);
    this.last = { name: actor.name, step: log.length };
    this.current = run;
    return run;
  }

  private call(run: Run, round: number): unknown {
    const { index, name, body, rounds, async } = run.actor;
    const shape = this.shape() as never;
    const one = (r: number): unknown => body(shape, Object.freeze({ index, name, round: r }));
    const value = one(round);
    if (!async || rounds === 1) return value;
    return (async () => {
      let last = await value;
      for (let r = 1; r < rounds; r++) last = await one(r);
      return last;
    })();
  }

  /** The caller's memory with every view proxied. */
  shape(): unknown {
    return mapShape(this.memory, (part) => this.bodyPart(part));
  }

  private bodyPart(part: object): unknown {
    if (!(part instanceof SharedArrayBuffer)) return this.views.wrap(part as Int32Array<SharedArrayBuffer>);
    return this.space.segments.find((s) => s.source === part)?.decoy;
  }

  private settle(run: Run, end: End): void {
    if (!run.suspended) run.end = end;
  }

  private deliver(run: Run): void {
    const entry = run.log[run.pos] as Delivery;
    if (run.ops[run.pos] !== undefined) {
      run.fault = differs(run, undefined);
      run.suspended = true;
      return;
    }
    run.pos++;
    const listener = run.listeners.get(entry.token);
    if (!run.repeating.has(entry.token)) run.listeners.delete(entry.token);
    try {
      listener?.(entry.value);
    } catch (error) {
      if (!run.suspended) run.end = { error };
    }
  }

  private outcome(run: Run): Outcome {
    if (run.fault === undefined && !run.suspended && run.pos < run.log.length) run.fault = differs(run, undefined);
    if (run.fault === undefined && !this.unspoilt()) {
      run.fault = new ModelError(
        "ERR_MODEL_FOREIGN_STATE",
        "shared memory was written in a way that the checker cannot see (a Buffer or view over view.buffer)",
        run.actor.name,
        run.pos,
      );
    }
    if (run.fault !== undefined) throw run.fault;
    return {
      op: run.op,
      end: run.suspended ? undefined : run.end,
      effects: run.effects,
      tokens: run.tokens,
    };
  }

  private unspoilt(): boolean {
    const often = this.count < 1000 && this.space.initial.length <= 2048;
    return (!often && this.count % 64 !== 0) || this.space.decoysUntouched();
  }
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

const ignore = (): void => undefined;
