// The transition system: one state is one Int32Array (layout.ts), and `step` makes one choice in it.
// Invariant: equal vectors are equal states: they have the same futures.

import { HOOK_BIT } from "./accesses.ts";
import { actorOf, CRASH, DELIVER, DO, HOOK, JUMP, kindOf, TIMEOUT } from "./choices.ts";
import { BLOCKED, CLOCK, CRASHED, CRASHES, HOOKS, JUMPS, NODE, QUEUED, TAINTED } from "./layout.ts";
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
import { type Effect, type Node } from "./tree.ts";

/** A validated() that vouches for reads which a writer overtook. */
export interface Slip {
  readonly thread: number;
  readonly message: string;
}

export class Machine extends Moves {
  /** Set by `step` when a thread vouched for data that it must not use. */
  slip: Slip | undefined;
  /** Result of the operation that the last `step` performed, for traces. */
  result: unknown;
  private hookVec: Int32Array | undefined;

  initial(): Int32Array {
    const vec = new Int32Array(this.width);
    vec[CRASHES] = this.rules.crashes;
    vec[JUMPS] = this.rules.clockJumps;
    if (this.rules.clockJumps > 0) this.accesses.noteClock();
    for (let t = 0; t < this.rules.threads; t++) this.enter(vec, t, this.growth.roots[t]);
    return vec;
  }

  // ---- making a choice

  step(vec: Int32Array, c: number): void {
    const t = actorOf(c);
    this.slip = undefined;
    this.result = undefined;
    switch (kindOf(c)) {
      case DO:
        this.perform(vec, t, this.node(vec, t), 0);
        break;
      case JUMP:
        vec[JUMPS]--;
        this.perform(vec, t, this.node(vec, t), this.rules.clockStep);
        break;
      case CRASH:
        this.crash(vec, t);
        break;
      case HOOK:
        this.hook(vec, t);
        break;
      case TIMEOUT:
        this.timeout(vec, t);
        break;
      case DELIVER:
        this.deliver(vec, t, c & 0xffff);
        break;
      default:
        this.fire(vec, t, c & 0xffff);
    }
  }

  private perform(vec: Int32Array, t: number, node: Node, jump: number): void {
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
  private atomic(vec: Int32Array, op: Op): unknown {
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

  private enter(vec: Int32Array, t: number, to: Node): void {
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
  private taint(vec: Int32Array, writer: number, op: Op): void {
    for (let t = 0; t < this.rules.threads; t++) {
      const reads = t === writer ? undefined : this.node(vec, t).optimistic;
      if (reads === undefined) continue;
      for (const [addr, size] of reads) {
        if (addr < op.addr + op.elem.size && op.addr < addr + size) vec[TAINTED] |= 1 << t;
      }
    }
  }

  // ---- waiting and waking

  private due(vec: Int32Array, ms: number): number {
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

  private wake(vec: Int32Array, who: number, result: "ok" | "timed-out"): void {
    const t = threadOf(who);
    if (whatOf(who) === ASYNC) {
      const what = result === "ok" ? SETTLED_OK : SETTLED_LATE;
      this.queue.push(vec, READY + t, whoIs(t, what, tokenOf(who)), NEVER);
      return;
    }
    vec[BLOCKED] &= ~(1 << t);
    this.enter(vec, t, this.growth.kid(this.node(vec, t), result, result));
  }

  private timeout(vec: Int32Array, t: number): void {
    for (let i = 0; i < vec[QUEUED]; i++) {
      const at = this.queue.at + i * ENTRY;
      const who = vec[at + 1];
      if (threadOf(who) !== t || whatOf(who) !== SYNC) continue;
      const due = vec[at + 2];
      this.queue.remove(vec, i);
      this.passTime(vec, due);
      this.result = "timed-out";
      this.wake(vec, who, "timed-out");
      return;
    }
  }

  /** The clock stands still after a few slices, so that waiting for ever is a cycle and not an endless run. */
  private passTime(vec: Int32Array, due: number): void {
    const sliceMs = Math.max(...this.rules.sliceMs);
    if (due === SLICE) vec[CLOCK] = Math.max(vec[CLOCK], Math.min(vec[CLOCK] + sliceMs, 4 * sliceMs));
    else vec[CLOCK] = Math.max(vec[CLOCK], due);
  }

  private deliver(vec: Int32Array, t: number, token: number): void {
    const i = this.queue.find(vec, READY + t, t, token);
    const value = whatOf(vec[this.queue.at + i * ENTRY + 1]) === SETTLED_OK ? "ok" : "timed-out";
    this.queue.remove(vec, i);
    this.event(vec, t, token, value);
  }

  private fire(vec: Int32Array, t: number, token: number): void {
    for (let i = 0; i < vec[QUEUED]; i++) {
      const at = this.queue.at + i * ENTRY;
      const who = vec[at + 1];
      const what = whatOf(who);
      if (threadOf(who) !== t || tokenOf(who) !== token || what >= SETTLED_OK || what === SYNC) continue;
      const due = vec[at + 2];
      if (what !== INTERVAL) this.queue.remove(vec, i);
      this.passTime(vec, due);
      this.event(vec, t, token, what === ASYNC ? "timed-out" : "fired");
      return;
    }
  }

  private event(vec: Int32Array, t: number, token: number, value: string): void {
    this.result = value;
    this.enter(vec, t, this.growth.kid(this.node(vec, t), `e${token}:${value}`, { token, value }));
  }

  // ---- dying

  private crash(vec: Int32Array, t: number): void {
    vec[CRASHES]--;
    vec[CRASHED] |= 1 << t;
    vec[BLOCKED] &= ~(1 << t);
    vec[TAINTED] &= ~(1 << t);
    if (this.rules.onCrash !== undefined) vec[HOOKS] |= 1 << t;
    this.queue.forget(vec, t);
    // A dead thread has no future: one node stands for every way it could have gone on.
    vec[NODE + t] = this.growth.roots[t].id;
  }

  private hook(vec: Int32Array, t: number): void {
    vec[HOOKS] &= ~(1 << t);
    this.hookVec = vec;
    try {
      this.rules.onCrash?.(t);
    } finally {
      this.hookVec = undefined;
    }
  }

  /** True while the crash hook runs. */
  get hooking(): boolean {
    return this.hookVec !== undefined;
  }

  /** One operation of the crash hook: all of them together are one step. */
  immediate(op: Op): unknown {
    const vec = this.hookVec as Int32Array;
    this.accesses.note(HOOK_BIT, op);
    if (op.kind === NOW) return vec[CLOCK] + 1;
    if (isWrite(op)) this.taint(vec, -1, op);
    if (op.kind === NOTIFY) return this.notify(vec, op.addr, op.a as number);
    if (op.kind === WAIT || op.kind === WAIT_ASYNC) throw new TypeError("onCrash is one step: it must not wait");
    return this.atomic(vec, op);
  }
}
