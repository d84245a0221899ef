// What may happen next in a state: operations, deliveries, time-outs, deaths; and which step needs no choice.
// Reads states, never changes them.

import { type Accesses, HOOK_BIT } from "./accesses.ts";
import { actorOf, CRASH, choice, DELIVER, DO, FIRE, HOOK, JUMP, kindOf, TIMEOUT } from "./choices.ts";
import { type Growth } from "./growth.ts";
import { BLOCKED, CRASHED, CRASHES, HOOKS, JUMPS, LAST, NODE, PREEMPTIONS, QUEUED } from "./layout.ts";
import { isWrite, NOW, type Op } from "./ops.ts";
import { ENTRY, NEVER, Queue, SETTLED_OK, SLICE, SYNC, threadOf, tokenOf, whatOf } from "./queue.ts";
import { type Space } from "./space.ts";
import { type Node } from "./tree.ts";

export interface Rules {
  readonly threads: number;
  readonly crashes: number;
  readonly crashable: number;
  readonly preemptions: number;
  readonly timeouts: "any" | "idle";
  readonly sliceMs: readonly number[];
  readonly slices: "after-death" | "allowed" | "never";
  readonly clockJumps: number;
  readonly clockStep: number;
  readonly daemons: number;
  /** Runs the crash hook; its operations come back as `immediate`. */
  readonly onCrash: ((thread: number) => void) | undefined;
}

export class Moves {
  readonly space: Space;
  readonly growth: Growth;
  readonly accesses: Accesses;
  readonly rules: Rules;
  readonly queue: Queue;
  readonly wordsAt: number;
  readonly width: number;
  /** Whether the last `narrow` left one thread only. */
  narrowed = false;
  /** Most choices that any state can have. */
  readonly mostChoices: number;

  constructor(space: Space, growth: Growth, accesses: Accesses, rules: Rules) {
    this.space = space;
    this.growth = growth;
    this.accesses = accesses;
    this.rules = rules;
    this.queue = new Queue(NODE + rules.threads, rules.threads * 2 + 4);
    this.wordsAt = this.queue.end;
    this.mostChoices = rules.threads * 6 + this.queue.room;
    this.width = this.wordsAt + space.capacity;
  }

  node(vec: Int32Array, thread: number): Node {
    return this.growth.nodes[vec[NODE + thread]];
  }

  /** The operation a thread would do next, if it can run. */
  pending(vec: Int32Array, thread: number): Op | undefined {
    if (((vec[CRASHED] | vec[BLOCKED]) >> thread) & 1) return undefined;
    return this.growth.nodes[vec[NODE + thread]].outcome.op;
  }

  ended(vec: Int32Array, thread: number): boolean {
    return this.growth.nodes[vec[NODE + thread]].outcome.end !== undefined;
  }

  /** Fills `out` with the choices of a state; the first `progress` of them move the run on, the rest are crashes. */
  choices(vec: Int32Array, out: Int32Array): { count: number; progress: number; sliced: boolean } {
    let n = 0;
    let calm = true;
    let spinners = 0;
    for (let t = 0; t < this.rules.threads; t++) {
      if ((vec[CRASHED] >> t) & 1) {
        if ((vec[HOOKS] >> t) & 1) {
          out[n++] = choice(HOOK, t);
          calm = false;
        }
        continue;
      }
      if ((vec[BLOCKED] >> t) & 1) continue;
      const node = this.growth.nodes[vec[NODE + t]];
      const op = node.outcome.op;
      if (op === undefined) continue;
      out[n++] = choice(DO, t);
      if (node.spinning) spinners++;
      else calm = false;
      if (op.kind === NOW && vec[JUMPS] > 0) out[n++] = choice(JUMP, t);
    }
    const before = n;
    n = this.queued(vec, out, n, false);
    if (n > before) calm = false;
    let sliced = false;
    // Beside threads that only spin, slices end too: time passes. In a run that must not need slices that is no excuse.
    const excused = this.slicesMayEnd(vec);
    if (calm && (spinners === 0 || excused) && this.slicesCount(vec)) {
      const m = this.queued(vec, out, n, true);
      if (m > n && spinners > 0) this.accesses.noteClock();
      sliced = m > n && spinners === 0;
      n = m;
    }
    const progress = n;
    if (vec[CRASHES] > 0) {
      for (let t = 0; t < this.rules.threads; t++) {
        const live = !((vec[CRASHED] >> t) & 1) && !this.ended(vec, t);
        if (live && (this.rules.crashable >> t) & 1) out[n++] = choice(CRASH, t);
      }
    }
    return { count: n, progress, sliced };
  }

  /** Whether a run may come to where only the end of a slice helps. */
  slicesMayEnd(vec: Int32Array): boolean {
    const { slices } = this.rules;
    return slices === "allowed" || (slices === "after-death" && vec[CRASHED] !== 0);
  }

  /** Slices end only in runs where some thread that must end has not: a daemon may sleep for ever. */
  private slicesCount(vec: Int32Array): boolean {
    for (let t = 0; t < this.rules.threads; t++) if (this.owes(vec, t)) return true;
    return false;
  }

  /** A thread whose end is still due. */
  owes(vec: Int32Array, t: number): boolean {
    return !((vec[CRASHED] >> t) & 1) && !((this.rules.daemons >> t) & 1) && !this.ended(vec, t);
  }

  private idle(vec: Int32Array, t: number): boolean {
    return !(((vec[CRASHED] | vec[BLOCKED]) >> t) & 1) && this.node(vec, t).outcome.op === undefined;
  }

  /** Deliveries and time-outs. With `late`, what may happen only because nothing else can. */
  private queued(vec: Int32Array, out: Int32Array, from: number, late: boolean): number {
    let n = from;
    let delivered = -1;
    for (let i = 0; i < vec[QUEUED]; i++) {
      const at = this.queue.at + i * ENTRY;
      const who = vec[at + 1];
      const t = threadOf(who);
      const what = whatOf(who);
      if (what >= SETTLED_OK) {
        if (late || delivered === vec[at] || !this.idle(vec, t)) continue;
        delivered = vec[at];
        out[n++] = choice(DELIVER, t, tokenOf(who));
        continue;
      }
      const due = vec[at + 2];
      if (due === NEVER) continue;
      const waits = due === SLICE || this.rules.timeouts === "idle";
      if (waits !== late) continue;
      if (due !== SLICE) this.accesses.noteClock();
      if (what === SYNC) out[n++] = choice(TIMEOUT, t);
      else if (this.idle(vec, t)) out[n++] = choice(FIRE, t, tokenOf(who));
    }
    return n;
  }

  /** A thread whose next step may be made without a choice; -1 if there is none. */
  private freeThread(vec: Int32Array, plainOnly: boolean): number {
    const others = plainOnly ? 0 : this.unfinished(vec);
    for (let t = 0; t < this.rules.threads; t++) {
      const op = this.pending(vec, t);
      if (op === undefined) continue;
      const node = this.node(vec, t);
      if (node.spinning || node.fenced || node.optimistic !== undefined) continue;
      const free = (!node.closing && this.accesses.immediate(op)) || (!plainOnly && this.free(vec, t, op, others));
      if (!free) continue;
      this.accesses.hurry(node);
      return t;
    }
    return -1;
  }

  /** As `freeThread`, if it makes no difference whether the thread dies before the step or after it; else -1. */
  forced(vec: Int32Array, plainOnly: boolean): number {
    const t = this.freeThread(vec, plainOnly);
    if (t < 0 || vec[CRASHES] === 0 || !((this.rules.crashable >> t) & 1)) return t;
    const node = this.node(vec, t);
    if (node.closing || isWrite(node.outcome.op as Op)) return -1;
    this.accesses.spare(node);
    return t;
  }

  private free(vec: Int32Array, t: number, op: Op, others: number): boolean {
    return !this.queue.has(vec, t) && this.accesses.free(1 << t, op, others);
  }

  /** The threads that may still do anything, and the crash hook. */
  private unfinished(vec: Int32Array): number {
    let set = vec[CRASHES] > 0 || vec[HOOKS] !== 0 ? HOOK_BIT : 0;
    for (let t = 0; t < this.rules.threads; t++) {
      const over = (vec[CRASHED] >> t) & 1 || (this.ended(vec, t) && this.pending(vec, t) === undefined);
      if (!over || this.queue.has(vec, t)) set |= 1 << t;
    }
    return set;
  }

  /**
   * Keeps only the step of a thread whose step is free, and its death: nothing else needs to be tried first. `plainOnly`:
   * for a search with a bound on preemptions, in which such a step is part of the one before it.
   */
  narrow(vec: Int32Array, choices: Int32Array, count: number, plainOnly: boolean): number {
    const t = this.freeThread(vec, plainOnly);
    this.narrowed = t >= 0;
    if (t < 0) return count;
    let n = 0;
    for (let i = 0; i < count; i++) {
      const c = choices[i];
      if (actorOf(c) === t && (kindOf(c) === DO || kindOf(c) === CRASH)) choices[n++] = c;
    }
    return n;
  }

  /**
   * Counts, in `to`, a switch away from a thread that could have gone on in `from`. False if that is one too many.
   * `narrowed`: there was no choice, so it is no switch.
   */
  spend(from: Int32Array, to: Int32Array, c: number, narrowed: boolean): boolean {
    if (narrowed) return true;
    const t = actorOf(c);
    const last = to[LAST] - 1;
    to[LAST] = t + 1;
    if (kindOf(c) !== DO || last < 0 || last === t) return true;
    const could = this.pending(from, last) !== undefined && !this.node(from, last).spinning;
    return !could || ++to[PREEMPTIONS] <= this.rules.preemptions;
  }
}
