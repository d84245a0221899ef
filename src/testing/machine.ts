// The transition system: one state is one Int32Array, and `step` makes one choice in it.
//
//   0 clock | 1 crashes left | 2 crash hooks due | 3 clock jumps left | 4 tainted | 5 last thread + 1 | 6 preemptions
//   7 crashed | 8 blocked in wait | 9 queue length | node of each thread ... | queue: {cell, who, due} ... | words ...
//
// The queue holds sync and async waiters, pending timers and settled promises, sorted by cell and, within a cell,
// first in first out: V8's one FIFO for each cell. (2, 4, 7, 8 are bit sets of threads.)
// Invariant: equal vectors are equal states: they have the same futures.
import { type Accesses, HOOK_BIT } from "./accesses.ts";
import type { Growth } from "./growth.ts";
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
import type { Space } from "./space.ts";
import type { Effect, Node } from "./tree.ts";

export const CLOCK = 0;
export const CRASHES = 1;
export const HOOKS = 2;
export const JUMPS = 3;
export const TAINTED = 4;
export const LAST = 5;
export const PREEMPTIONS = 6;
export const CRASHED = 7;
export const BLOCKED = 8;
export const QUEUED = 9;
export const NODE = 10;

const ENTRY = 3;
/** `due` of entries that no clock ends, and of slices. */
const NEVER = -1;
export const SLICE = -2;

/** Cells of the queue that are no memory: timers, and what an idle event loop has to deliver. */
const TIMERS = 0x7ffe_0000;
const READY = 0x7fff_0000;

const SYNC = 0;
const ASYNC = 1;
const TIMER = 2;
const INTERVAL = 3;
/** Ready entries: 4 settled "ok", 5 settled "timed-out". */
const SETTLED_OK = 4;
const SETTLED_LATE = 5;

// who = thread | what << 5 | token << 8
const threadOf = (who: number): number => who & 31;
const whatOf = (who: number): number => (who >> 5) & 7;
const tokenOf = (who: number): number => who >>> 8;
const whoIs = (thread: number, what: number, token: number): number => thread | (what << 5) | (token << 8);

// ---- choices: kind << 24 | thread << 16 | token

export const DO = 0;
export const CRASH = 1;
export const TIMEOUT = 2;
export const HOOK = 3;
export const DELIVER = 4;
export const FIRE = 5;
export const JUMP = 6;
const CODES = "_cxhefj";

export const choice = (kind: number, thread: number, token = 0): number => (kind << 24) | (thread << 16) | token;
export const kindOf = (c: number): number => c >>> 24;
export const actorOf = (c: number): number => (c >>> 16) & 255;

/** "1" an operation of thread 1, "c1" its crash, "x1" its time-out, "h1" the hook, "e1" an event, "f1.3" timer 3. */
export function encode(c: number): string {
  const token = c & 0xffff;
  return (kindOf(c) === DO ? "" : CODES[kindOf(c)]) + actorOf(c) + (token === 0 ? "" : `.${token}`);
}

export function decode(text: string): number | undefined {
  const match = /^([cxhefj]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  return choice(match[1] === "" ? DO : CODES.indexOf(match[1]), Number(match[2]), Number(match[3] ?? 0));
}

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

/** A validated() that vouches for reads which a writer overtook. */
export interface Slip {
  readonly thread: number;
  readonly message: string;
}

export class Machine {
  readonly space: Space;
  readonly growth: Growth;
  readonly accesses: Accesses;
  readonly rules: Rules;
  readonly queueAt: number;
  readonly wordsAt: number;
  readonly width: number;
  readonly queueRoom: number;
  /** Set by `step` when a thread vouched for data that it must not use. */
  slip: Slip | undefined;
  /** Result of the operation that the last `step` performed, for traces. */
  result: unknown;
  private hookVec: Int32Array | undefined;

  constructor(space: Space, growth: Growth, accesses: Accesses, rules: Rules) {
    this.space = space;
    this.growth = growth;
    this.accesses = accesses;
    this.rules = rules;
    this.queueRoom = rules.threads * 2 + 4;
    this.queueAt = NODE + rules.threads;
    this.wordsAt = this.queueAt + this.queueRoom * ENTRY;
    this.width = this.wordsAt + space.capacity;
  }

  initial(): Int32Array {
    const vec = new Int32Array(this.width);
    vec[CRASHES] = this.rules.crashes;
    vec[JUMPS] = this.rules.clockJumps;
    if (this.rules.clockJumps > 0) this.accesses.noteClock();
    for (let t = 0; t < this.rules.threads; t++) this.enter(vec, t, this.growth.roots[t]);
    return vec;
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

  // ---- what may happen next

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
      const at = this.queueAt + i * ENTRY;
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
      if (node.next === undefined) return;
    }
  }

  private apply(vec: Int32Array, t: number, effect: Effect): void {
    if (effect.type === "timer") {
      const due = effect.ms >= 2 ** 30 ? NEVER : this.due(vec, effect.ms);
      this.push(vec, TIMERS + t, whoIs(t, effect.every ? INTERVAL : TIMER, effect.token), due);
    } else if (effect.type === "clear") {
      const at = this.find(vec, TIMERS + t, t, effect.token);
      if (at >= 0) this.remove(vec, at);
    } else {
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
      this.push(vec, op.addr, whoIs(t, SYNC, 0), due);
      vec[BLOCKED] |= 1 << t;
      return;
    }
    const token = node.outcome.tokens + 1;
    this.push(vec, op.addr, whoIs(t, ASYNC, token), due);
    this.finish(vec, t, node, token);
  }

  notify(vec: Int32Array, addr: number, most: number): number {
    let woken = 0;
    for (let i = 0; i < vec[QUEUED] && woken < most; ) {
      const at = this.queueAt + i * ENTRY;
      if (vec[at] !== addr) {
        i++;
        continue;
      }
      const who = vec[at + 1];
      this.remove(vec, i);
      woken++;
      this.wake(vec, who, "ok");
    }
    return woken;
  }

  private wake(vec: Int32Array, who: number, result: "ok" | "timed-out"): void {
    const t = threadOf(who);
    if (whatOf(who) === ASYNC) {
      const what = result === "ok" ? SETTLED_OK : SETTLED_LATE;
      this.push(vec, READY + t, whoIs(t, what, tokenOf(who)), NEVER);
      return;
    }
    vec[BLOCKED] &= ~(1 << t);
    this.enter(vec, t, this.growth.kid(this.node(vec, t), result, result));
  }

  private timeout(vec: Int32Array, t: number): void {
    for (let i = 0; i < vec[QUEUED]; i++) {
      const at = this.queueAt + i * ENTRY;
      const who = vec[at + 1];
      if (threadOf(who) !== t || whatOf(who) !== SYNC) continue;
      const due = vec[at + 2];
      this.remove(vec, i);
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
    const i = this.find(vec, READY + t, t, token);
    const value = whatOf(vec[this.queueAt + i * ENTRY + 1]) === SETTLED_OK ? "ok" : "timed-out";
    this.remove(vec, i);
    this.event(vec, t, token, value);
  }

  private fire(vec: Int32Array, t: number, token: number): void {
    for (let i = 0; i < vec[QUEUED]; i++) {
      const at = this.queueAt + i * ENTRY;
      const who = vec[at + 1];
      const what = whatOf(who);
      if (threadOf(who) !== t || tokenOf(who) !== token || what >= SETTLED_OK || what === SYNC) continue;
      const due = vec[at + 2];
      if (what !== INTERVAL) this.remove(vec, i);
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
    for (let i = vec[QUEUED] - 1; i >= 0; i--) {
      if (threadOf(vec[this.queueAt + i * ENTRY + 1]) === t) this.remove(vec, i);
    }
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

  // ---- the queue

  private push(vec: Int32Array, cell: number, who: number, due: number): void {
    const length = vec[QUEUED];
    if (length === this.queueRoom) throw new RangeError(`more than ${this.queueRoom} waits and timers are pending`);
    let i = length;
    for (; i > 0 && vec[this.queueAt + (i - 1) * ENTRY] > cell; i--) {
      const at = this.queueAt + i * ENTRY;
      vec.copyWithin(at, at - ENTRY, at);
    }
    const at = this.queueAt + i * ENTRY;
    vec[at] = cell;
    vec[at + 1] = who;
    vec[at + 2] = due;
    vec[QUEUED] = length + 1;
  }

  private remove(vec: Int32Array, i: number): void {
    const at = this.queueAt + i * ENTRY;
    const end = this.queueAt + vec[QUEUED] * ENTRY;
    vec.copyWithin(at, at + ENTRY, end);
    vec.fill(0, end - ENTRY, end);
    vec[QUEUED]--;
  }

  private find(vec: Int32Array, cell: number, t: number, token: number): number {
    for (let i = 0; i < vec[QUEUED]; i++) {
      const at = this.queueAt + i * ENTRY;
      if (vec[at] === cell && threadOf(vec[at + 1]) === t && tokenOf(vec[at + 1]) === token) return i;
    }
    return -1;
  }

  /** True if a wait, timer or settled promise of the thread is pending. */
  queues(vec: Int32Array, t: number): boolean {
    for (let i = 0; i < vec[QUEUED]; i++) if (threadOf(vec[this.queueAt + i * ENTRY + 1]) === t) return true;
    return false;
  }

  /** A thread whose next step may be made without a choice; -1 if there is none. */
  freeThread(vec: Int32Array): number {
    for (let t = 0; t < this.rules.threads; t++) {
      const op = this.pending(vec, t);
      if (op === undefined) continue;
      const node = this.node(vec, t);
      if (node.spinning || node.optimistic !== undefined) continue;
      if (!this.accesses.free(1 << t, op) || this.queues(vec, t)) continue;
      node.hurried = true;
      return t;
    }
    return -1;
  }

  /** Where a blocked or idle thread waits: the cell (none for a timer), and what ends the wait beside a wake. */
  waits(vec: Int32Array, t: number): { addr: number | undefined; due: number }[] {
    const found = [];
    for (let i = 0; i < vec[QUEUED]; i++) {
      const at = this.queueAt + i * ENTRY;
      const what = whatOf(vec[at + 1]);
      if (threadOf(vec[at + 1]) !== t || what >= SETTLED_OK) continue;
      found.push({ addr: what <= ASYNC ? vec[at] : undefined, due: vec[at + 2] });
    }
    return found;
  }
}
