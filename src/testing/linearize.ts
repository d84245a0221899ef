// Linearizability: can the operations of a history be put in one order that respects real time and the model?
//
// The search of Wing and Gong (1993) with Lowe's memoisation, over a list of calls and returns as in Porcupine: take any
// operation whose call comes before the first return; if the model allows its result, take it out of the list and go on;
// if the first return is reached instead, go back. A pair (operations taken, state) is tried once.
// A history is linearizable if its part for each key is, so histories are split by key where the model has keys.
// Invariant: the list holds exactly the operations that are not on the stack.
import type { Operation } from "./history.ts";

/** What the operations do, one at a time. States are never changed in place. */
export interface SequentialModel<S> {
  readonly name: string;
  initial(): S;
  /** The state after the operation, or undefined if it can't give its result in this state. Ask `returned` first. */
  step(state: S, operation: Operation): S | undefined;
  /** Key of the part of the state that the operation touches; undefined: the whole. Default: no parts. */
  keyOf?(operation: Operation): string | undefined;
  /** A text that is equal exactly for equal states. Default: JSON. */
  identify?(state: S): string;
}

export interface LinearizabilityResult {
  readonly ok: boolean;
  /** Operations checked. */
  readonly operations: number;
  /** Pairs of (operations taken, state) tried. */
  readonly explored: number;
  /** Why not: the key, the longest order found, and the operation that fits nowhere behind it. */
  readonly problem: string | undefined;
}

/** One event of the list: the call of an operation, or its return. */
interface Event {
  readonly op: number;
  readonly match: Event | undefined;
  previous: Event;
  next: Event | undefined;
}

/** Whether a history is linearizable with respect to a model. */
export function checkLinearizable<S>(history: readonly Operation[], model: SequentialModel<S>): LinearizabilityResult {
  let explored = 0;
  for (const [key, part] of partition(history, model)) {
    const search = new PartSearch(part, model);
    const problem = search.run();
    explored += search.explored;
    if (problem !== undefined) {
      const where = key === undefined ? "" : ` (key ${key})`;
      return {
        ok: false,
        operations: history.length,
        explored,
        problem: `not linearizable as a ${model.name}${where}: ${problem}`,
      };
    }
  }
  return { ok: true, operations: history.length, explored, problem: undefined };
}

function partition<S>(history: readonly Operation[], model: SequentialModel<S>): Map<string | undefined, Operation[]> {
  const keys = history.map((op) => model.keyOf?.(op));
  // One operation over the whole state ties all keys together.
  if (keys.includes(undefined)) return new Map([[undefined, [...history]]]);
  const parts = new Map<string | undefined, Operation[]>();
  history.forEach((op, i) => {
    const part = parts.get(keys[i]);
    if (part === undefined) parts.set(keys[i], [op]);
    else part.push(op);
  });
  return parts;
}

class PartSearch<S> {
  explored = 0;
  private readonly ops: readonly Operation[];
  private readonly model: SequentialModel<S>;
  private readonly head: Event;
  private readonly taken: Uint32Array;
  private readonly seen = new Set<string>();
  private returns: number;
  private best: number[] = [];
  private stuck = -1;

  constructor(ops: readonly Operation[], model: SequentialModel<S>) {
    this.ops = ops;
    this.model = model;
    this.taken = new Uint32Array((ops.length + 31) >> 5);
    this.returns = ops.filter((op) => op.returned !== undefined).length;
    this.head = list(ops);
  }

  run(): string | undefined {
    const stack: { event: Event; state: S }[] = [];
    let state = this.model.initial();
    let event = this.head.next;
    while (this.returns > 0) {
      if (event !== undefined && this.isCall(event)) {
        const next = this.model.step(state, this.ops[event.op]);
        if (next !== undefined && this.take(event.op, next)) {
          stack.push({ event, state });
          state = next;
          this.lift(event);
          event = this.head.next;
        } else {
          event = event.next;
        }
        continue;
      }
      if (stack.length >= this.best.length) {
        this.best = stack.map((s) => s.event.op);
        this.stuck = event?.op ?? -1;
      }
      const last = stack.pop();
      if (last === undefined) return this.explain();
      this.unlift(last.event);
      state = last.state;
      event = last.event.next;
    }
    return undefined;
  }

  private isCall(event: Event): boolean {
    return event.match !== undefined || this.ops[event.op].returned === undefined;
  }

  /** Marks an operation as taken, unless this set of operations led to this state before. */
  private take(op: number, state: S): boolean {
    this.taken[op >> 5] |= 1 << (op & 31);
    const key = `${this.taken.join()}|${this.model.identify?.(state) ?? JSON.stringify(state)}`;
    this.explored++;
    if (!this.seen.has(key)) {
      this.seen.add(key);
      return true;
    }
    this.taken[op >> 5] &= ~(1 << (op & 31));
    return false;
  }

  private lift(event: Event): void {
    unlink(event);
    if (event.match !== undefined) {
      unlink(event.match);
      this.returns--;
    }
  }

  private unlift(event: Event): void {
    if (event.match !== undefined) {
      relink(event.match);
      this.returns++;
    }
    relink(event);
    this.taken[event.op >> 5] &= ~(1 << (event.op & 31));
  }

  private explain(): string {
    const order = this.best.slice(-8).map((i) => describe(this.ops[i]));
    const more = this.best.length > 8 ? `… ${this.best.length - 8} more, ` : "";
    const culprit = this.stuck < 0 ? "nothing" : describe(this.ops[this.stuck]);
    return `after ${more}${order.join(", ") || "no operation"} no operation that may come next allows ${culprit}`;
  }
}

function list(ops: readonly Operation[]): Event {
  const events: { at: number; event: Event }[] = [];
  const head = { op: -1, match: undefined, next: undefined } as unknown as Event;
  ops.forEach((op, i) => {
    let match: Event | undefined;
    if (op.returned !== undefined) {
      match = { op: i, match: undefined, previous: head, next: undefined };
      events.push({ at: op.returned, event: match });
    }
    events.push({ at: op.called, event: { op: i, match, previous: head, next: undefined } });
  });
  events.sort((x, y) => x.at - y.at);
  let last = head;
  for (const { event } of events) {
    last.next = event;
    event.previous = last;
    last = event;
  }
  return head;
}

function unlink(event: Event): void {
  event.previous.next = event.next;
  if (event.next !== undefined) event.next.previous = event.previous;
}

function relink(event: Event): void {
  event.previous.next = event;
  if (event.next !== undefined) event.next.previous = event;
}

function describe(op: Operation): string {
  const args = op.args.map((a) => String(JSON.stringify(a))).join(", ");
  const result = op.returned === undefined ? "never returned" : String(JSON.stringify(op.result));
  return `thread ${op.thread}: ${op.name}(${args}) → ${result}`;
}
