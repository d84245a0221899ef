// What one operation of a thread does to a state: to memory, to the queues of those who wait, and to the thread's own log.
// Invariant: a thread that is woken, or whose operation returned, stands at the node that the result leads to.

import { BLOCKED, CLOCK, NODE, QUEUED, TAINTED } from "./layout.ts";
import { Moves } from "./moves.ts";
import {
  CAS,
  isWrite,
  LOAD,
  modified,
  NOTIFY,
  NOW,
  type Op,
  PLAIN_READ,
  PLAIN_WRITE,
  STORE,
  WAIT,
  WAIT_ASYNC,
} from "./ops.ts";
import {
  ASYNC,
  ENTRY,
  INTERVAL,
  NEVER,
  READY,
  SETTLED_LATE,
  SETTLED_OK,
  SLICE,
  SYNC,
  TIMER,
  TIMERS,
  threadOf,
  tokenOf,
  whatOf,
  whoIs,
} from "./queue.ts";
import type { Effect, Node } from "./tree.ts";

/** A validated() that vouches for reads which a writer overtook. */
export interface Slip {
  readonly thread: number;
  readonly message: string;
}

export class Steps extends Moves {
  /** Set by `step` when a thread vouched for data that it must not use. */
  slip: Slip | undefined;
  /** Result of the operation that the last `step` performed, for traces. */
  result: unknown;

  protected perform(vec: Int32Array, t: number, node: Node, jump: number): void {
    const op = node.outcome.op as Op;
    const { kind, elem, addr } = op;
    if (isWrite(op)) this.taint(vec, t, op);
    if (kind === NOW) {
      vec[CLOCK] += jump;
      this.finish(vec, t, node, vec[CLOCK] + 1);
      return;
    }
    if (kind === NOTIFY) {
      this.finish(vec, t, node, this.notify(vec, addr, op.a as number));
      return;
    }
    if (kind === WAIT || kind === WAIT_ASYNC) {
      this.wait(vec, t, node, op, Object.is(this.space.read(vec, this.wordsAt, addr, elem), op.a));
      return;
    }
    this.finish(vec, t, node, this.atomic(vec, op));
  }

  /** Reads and writes one cell; what the operation returns. */
  protected atomic(vec: Int32Array, op: Op): unknown {
    const { kind, elem, addr } = op;
    const { space, wordsAt } = this;
    const old = space.read(vec, wordsAt, addr, elem);
    switch (kind) {
      case LOAD:
      case PLAIN_READ:
        return old;
      case CAS:
        if (old === op.a) space.write(vec, wordsAt, addr, elem, op.b);
        return old;
      case STORE:
      case PLAIN_WRITE:
        space.write(vec, wordsAt, addr, elem, op.a);
        return op.b;
      default:
        space.write(vec, wordsAt, addr, elem, modified(kind, elem, old, op.a));
        return old;
    }
  }

  /** Moves a thread on to the log that ends in `entry`. */
  private finish(vec: Int32Array, t: number, node: Node, entry: unknown): void {
    this.result = entry;
    this.enter(vec, t, this.growth.kid(node, entry, entry));
  }

  protected enter(vec: Int32Array, t: number, to: Node): void {
    for (let node = to; ; node = node.next) {
      vec[NODE + t] = node.id;
      const { effects, end } = node.outcome;
      for (const effect of effects) this.apply(vec, t, effect);
      if (end === undefined) return;
      if (node.optimistic !== undefined && (vec[TAINTED] >> t) & 1) {
        this.slip = { thread: t, message: "ended on data that it read optimistically and never validated" };
      }
      vec[TAINTED] &= ~(1 << t);
      if (node.next === undefined) {
        if (!this.queue.has(vec, t)) vec[NODE + t] = this.growth.restOf(node).id;
        return;
      }
    }
  }

  private apply(vec: Int32Array, t: number, effect: Effect): void {
    if (effect.type === "timer") {
      const due = effect.ms >= 2 ** 30 ? NEVER : this.due(vec, effect.ms);
      this.queue.push(vec, TIMERS + t, whoIs(t, effect.every ? INTERVAL : TIMER, effect.token), due);
    } else if (effect.type === "clear") {
      const at = this.queue.find(vec, TIMERS + t, t, effect.token);
      if (at >= 0) this.queue.remove(vec, at);
    } else if (effect.type !== "checkpoint") {
      if (effect.type === "validated" && (vec[TAINTED] >> t) & 1) {
        this.slip = { thread: t, message: "validated data that another thread had written since it was read" };
      }
      vec[TAINTED] &= ~(1 << t);
    }
  }

  /** A write spoils what others have read optimistically and not yet validated. */
  protected taint(vec: Int32Array, writer: number, op: Op): void {
    for (let t = 0; t < this.rules.threads; t++) {
      const reads = t === writer ? undefined : this.node(vec, t).optimistic;
      if (reads === undefined) continue;
      for (const [addr, size] of reads) {
        if (addr < op.addr + op.elem.size && op.addr < addr + size) vec[TAINTED] |= 1 << t;
      }
    }
  }

  protected due(vec: Int32Array, ms: number): number {
    if (ms === Number.POSITIVE_INFINITY) return NEVER;
    return this.rules.sliceMs.includes(ms) ? SLICE : vec[CLOCK] + Math.ceil(ms);
  }

  private wait(vec: Int32Array, t: number, node: Node, op: Op, equal: boolean): void {
    if (!equal) return this.finish(vec, t, node, "not-equal");
    if (op.b === 0) return this.finish(vec, t, node, "timed-out");
    const due = this.due(vec, op.b as number);
    if (op.kind === WAIT) {
      this.queue.push(vec, op.addr, whoIs(t, SYNC, 0), due);
      vec[BLOCKED] |= 1 << t;
      return;
    }
    const token = node.outcome.tokens + 1;
    this.queue.push(vec, op.addr, whoIs(t, ASYNC, token), due);
    this.finish(vec, t, node, token);
  }

  notify(vec: Int32Array, addr: number, most: number): number {
    let woken = 0;
    for (let i = 0; i < vec[QUEUED] && woken < most; ) {
      const at = this.queue.at + i * ENTRY;
      if (vec[at] !== addr) {
        i++;
        continue;
      }
      const who = vec[at + 1];
      this.queue.remove(vec, i);
      woken++;
      this.wake(vec, who, "ok");
    }
    return woken;
  }

  protected wake(vec: Int32Array, who: number, result: "ok" | "timed-out"): void {
    const t = threadOf(who);
    if (whatOf(who) === ASYNC) {
      const what = result === "ok" ? SETTLED_OK : SETTLED_LATE;
      this.queue.push(vec, READY + t, whoIs(t, what, tokenOf(who)), NEVER);
      return;
    }
    vec[BLOCKED] &= ~(1 << t);
    this.enter(vec, t, this.growth.kid(this.node(vec, t), result, result));
  }
}
