// What is wrong with a state: races, exceptions, broken invariants, deadlocks and lost wake-ups.
// Everything here is a property of one state, so that a state need be judged only when it is first seen.
import { BLOCKED, CRASHED } from "./layout.ts";
import type { Machine } from "./machine.ts";
import { isPlain, isWrite, KIND_NAMES, overlap } from "./ops.ts";
import { SLICE } from "./queue.ts";

export type FailureKind =
  | "race"
  | "exception"
  | "invariant"
  | "final"
  | "deadlock"
  | "lost-wakeup"
  | "livelock"
  | "unvalidated";

export interface Verdict {
  readonly kind: FailureKind;
  readonly message: string;
}

export interface ThreadStatus {
  readonly name: string;
  readonly state: "running" | "waiting" | "ended" | "crashed";
  /** What the body returned, or its promise gave. */
  readonly value: unknown;
}

export interface Checks {
  readonly names: readonly string[];
  readonly plain: "report" | "ignore";
  readonly invariant: ((memory: never, threads: readonly ThreadStatus[]) => unknown) | undefined;
  readonly final: ((memory: never, threads: readonly ThreadStatus[]) => unknown) | undefined;
  /** The memory as invariants and final checks see it. */
  readonly shownMemory: unknown;
  readonly nameOf: (addr: number) => string;
}

const textOf = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));

export class Judge {
  private readonly machine: Machine;
  private readonly checks: Checks;

  constructor(machine: Machine, checks: Checks) {
    this.machine = machine;
    this.checks = checks;
  }

  /** `progress`: choices other than crashes; `sliced`: some of them are ends of slices, since nothing else can run. */
  judge(vec: Int32Array, progress: number, sliced: boolean): Verdict | undefined {
    const { machine, checks } = this;
    if (machine.slip !== undefined) {
      return { kind: "unvalidated", message: `${checks.names[machine.slip.thread]} ${machine.slip.message}` };
    }
    return (
      this.thrown(vec) ??
      (checks.plain === "report" ? (this.race(vec) ?? this.unordered(vec)) : undefined) ??
      (checks.invariant === undefined ? undefined : this.ask(vec, "invariant", checks.invariant)) ??
      (progress === 0 || sliced ? this.atRest(vec, sliced) : undefined)
    );
  }

  private thrown(vec: Int32Array): Verdict | undefined {
    for (let t = 0; t < this.machine.rules.threads; t++) {
      const end = this.machine.node(vec, t).outcome.end;
      if (end === undefined || !("error" in end) || (vec[CRASHED] >> t) & 1) continue;
      return { kind: "exception", message: `${this.checks.names[t]} threw ${textOf(end.error)}` };
    }
    return undefined;
  }

  /** Two threads about to touch one cell, one of them writing, one of them plainly: that is a data race. */
  private race(vec: Int32Array): Verdict | undefined {
    const { machine, checks } = this;
    const n = machine.rules.threads;
    for (let t = 0; t < n; t++) {
      const x = machine.pending(vec, t);
      if (x === undefined || !isPlain(x)) continue;
      if (machine.node(vec, t).optimistic !== undefined && !isWrite(x)) continue;
      for (let u = 0; u < n; u++) {
        const y = u === t ? undefined : machine.pending(vec, u);
        if (y === undefined || !overlap(x, y) || (!isWrite(x) && !isWrite(y))) continue;
        if (isPlain(y) && !isWrite(y) && machine.node(vec, u).optimistic !== undefined) continue;
        return {
          kind: "race",
          message:
            `${checks.names[t]} (plain ${KIND_NAMES[x.kind]}) and ${checks.names[u]} (${isPlain(y) ? "plain " : ""}` +
            `${KIND_NAMES[y.kind]}) touch ${checks.nameOf(x.addr)} at the same time`,
        };
      }
    }
    return undefined;
  }

  /** A thread about to touch what another has touched plainly, and has made no step since by which one could know. */
  private unordered(vec: Int32Array): Verdict | undefined {
    const { machine, checks } = this;
    const n = machine.rules.threads;
    for (let t = 0; t < n; t++) {
      const x = machine.pending(vec, t);
      if (x === undefined || x.addr < 0) continue;
      if (isPlain(x) && !isWrite(x) && machine.node(vec, t).optimistic !== undefined) continue;
      for (let u = 0; u < n; u++) {
        if (u === t || (vec[CRASHED] >> u) & 1) continue;
        for (const { addr, size, write } of machine.node(vec, u).segment) {
          if (!(write || isWrite(x)) || addr >= x.addr + x.elem.size || x.addr >= addr + size) continue;
          return {
            kind: "race",
            message:
              `${checks.names[t]} (${isPlain(x) ? "plain " : ""}${KIND_NAMES[x.kind]}) touches ${checks.nameOf(x.addr)}, ` +
              `which nothing has ordered after the plain ${write ? "write" : "read"} of ${checks.names[u]}`,
          };
        }
      }
    }
    return undefined;
  }

  private atRest(vec: Int32Array, sliced: boolean): Verdict | undefined {
    const { machine, checks } = this;
    const stuck: number[] = [];
    for (let t = 0; t < machine.rules.threads; t++) if (machine.owes(vec, t)) stuck.push(t);
    if (sliced) {
      if (machine.slicesMayEnd(vec) || !this.needSlice(vec, stuck)) return undefined;
      return {
        kind: "lost-wakeup",
        message: `nobody will wake ${this.where(vec, stuck)}: only the end of a slice of its wait would`,
      };
    }
    if (stuck.length > 0) return { kind: "deadlock", message: `for ever: ${this.where(vec, stuck)}` };
    return checks.final === undefined ? undefined : this.ask(vec, "final", checks.final);
  }

  private needSlice(vec: Int32Array, stuck: readonly number[]): boolean {
    const dues = stuck.flatMap((t) => this.machine.queue.waits(vec, t).map((w) => w.due));
    return dues.includes(SLICE) && !dues.some((due) => due >= 0);
  }

  private where(vec: Int32Array, threads: readonly number[]): string {
    return threads
      .map((t) => {
        const cells = this.machine.queue
          .waits(vec, t)
          .flatMap((w) => (w.addr === undefined ? [] : [this.checks.nameOf(w.addr)]));
        const how = (vec[BLOCKED] >> t) & 1 ? "sleeps on" : "awaits";
        if (cells.length > 0) return `${this.checks.names[t]} ${how} ${cells.join(", ")}`;
        return `${this.checks.names[t]} awaits a promise that nothing in the model settles`;
      })
      .join("; ");
  }

  private ask(
    vec: Int32Array,
    kind: "invariant" | "final",
    check: (memory: never, threads: readonly ThreadStatus[]) => unknown,
  ): Verdict | undefined {
    const { machine, checks } = this;
    machine.space.show(vec, machine.wordsAt);
    try {
      const answer = check(checks.shownMemory as never, this.statuses(vec));
      return answer === false ? { kind, message: `${kind} returned false` } : undefined;
    } catch (error) {
      return { kind, message: textOf(error) };
    }
  }

  private statuses(vec: Int32Array): ThreadStatus[] {
    return this.checks.names.map((name, t) => {
      const end = this.machine.node(vec, t).outcome.end;
      const crashed = (vec[CRASHED] >> t) & 1;
      const state = crashed ? "crashed" : end !== undefined ? "ended" : (vec[BLOCKED] >> t) & 1 ? "waiting" : "running";
      return { name, state, value: crashed ? undefined : end?.value };
    });
  }
}
