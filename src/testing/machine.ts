// The transition system: one state is one Int32Array (layout.ts), and `step` makes one choice in it.
// Invariant: equal vectors are equal states: they have the same futures.

import { HOOK_BIT } from "./accesses.ts";
import { actorOf, CRASH, DELIVER, DO, HOOK, JUMP, kindOf, TIMEOUT } from "./choices.ts";
import { BLOCKED, CLOCK, CRASHED, CRASHES, HOOKS, JUMPS, NODE, QUEUED, TAINTED } from "./layout.ts";
import { isWrite, NOTIFY, NOW, type Op, WAIT, WAIT_ASYNC } from "./ops.ts";
import { ASYNC, ENTRY, INTERVAL, READY, SETTLED_OK, SLICE, SYNC, threadOf, tokenOf, whatOf } from "./queue.ts";
import { Steps } from "./steps.ts";

export class Machine extends Steps {
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
