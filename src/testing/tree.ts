// What a thread has seen so far, as a tree. A node is one log: the results of all operations that the thread performed.
// A deterministic body is a function of its log, so a node *is* the thread's local state, however it was reached.
// A thread may call its body several times, one round after the other. A call that returned leaves nothing behind, so
// each round has a tree of its own and every end of a round leads to the root of the next.
// Invariant: a node's pending operation (or end) was found by running the real body against exactly this log.
import { isPlain, isWrite, type Op, PLAIN_READ } from "./ops.ts";

/** An event loop's delivery to an async body: a settled waitAsync, or a timer that fired. */
export interface Delivery {
  readonly token: number;
  readonly value: string;
}

export type Effect =
  /** setTimeout and friends; `ms` < 0: never fires by itself. */
  | { readonly type: "timer"; readonly token: number; readonly ms: number; readonly every: boolean }
  | { readonly type: "clear"; readonly token: number }
  | { readonly type: "optimistic" }
  | { readonly type: "validated" }
  | { readonly type: "discarded" }
  /** `base`: how much of the log the thread still knows, beside the values; all that came later is forgotten. */
  | { readonly type: "checkpoint"; readonly base: number; readonly values: string };

/** A plain access that the thread has made since its last step of any other kind. */
export interface PlainAccess {
  readonly addr: number;
  readonly size: number;
  readonly write: boolean;
}

const NONE: readonly PlainAccess[] = [];

export interface End {
  readonly value?: unknown;
  readonly error?: unknown;
}

/** What running the body against a log showed. */
export interface Outcome {
  /** The operation that the body wants next; undefined if it waits for events, or has ended. */
  readonly op: Op | undefined;
  /** Set once the body returned, or its promise settled. */
  readonly end: End | undefined;
  /** What it did since the last entry of the log, without touching memory. */
  readonly effects: readonly Effect[];
  /** Tokens given out so far. */
  readonly tokens: number;
}

export class Node {
  readonly id: number;
  readonly thread: number;
  /** Which call of the body this is a log of. */
  readonly round: number;
  /** Where the thread goes on when this call has returned: the start of the next one. */
  next: Node | undefined;
  readonly parent: Node | undefined;
  /** The last entry of the log. */
  readonly entry: unknown;
  readonly depth: number;
  readonly outcome: Outcome;
  readonly kids = new Map<unknown, Node>();
  /** Address and size of what was read plainly since the thread opened an optimistic section; undefined outside one. */
  readonly optimistic: ReadonlyMap<number, number> | undefined;
  /** Its plain accesses since its last other step, but for optimistic reads: nothing orders them with what others do next. */
  readonly segment: readonly PlainAccess[];
  /** Its step may be the last one of a call. */
  closing = false;
  /** Part of a loop that repeats for ever while nothing changes. */
  spinning = false;
  /** A thread may come back to it: its step is not made without a choice, so that others get their turn. */
  fenced = false;
  /** For searches of the graph of nodes (checkpoints.ts). */
  mark = 0;
  /** The search in which its step was last taken as free (accesses.ts). */
  hurried = 0;
  /** The search in which its thread was last not made to die before this step, since it can die after it. */
  spared = 0;

  constructor(id: number, thread: number, round: number, parent: Node | undefined, entry: unknown, outcome: Outcome) {
    this.id = id;
    this.thread = thread;
    this.round = round;
    this.parent = parent;
    this.entry = entry;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.outcome = outcome;
    this.optimistic = optimisticReads(parent, outcome);
    this.segment = segmentOf(parent);
  }
}

/** The log that leads to a node, oldest first. */
export function logOf(node: Node): unknown[] {
  const log: unknown[] = new Array(node.depth);
  for (let n = node; n.parent !== undefined; n = n.parent) log[n.depth - 1] = n.entry;
  return log;
}

/** The operations whose results the log holds; undefined where an event was delivered. */
export function opsOf(node: Node): (Op | undefined)[] {
  const ops: (Op | undefined)[] = new Array(node.depth);
  for (let n = node; n.parent !== undefined; n = n.parent) ops[n.depth - 1] = n.parent.outcome.op;
  return ops;
}

/** The plain accesses of a thread since its last other step, when it has made the step that `parent` was about to make. */
export function segmentOf(parent: Node | undefined): readonly PlainAccess[] {
  const op = parent?.outcome.op;
  if (parent === undefined || op === undefined || !isPlain(op)) return NONE;
  if (parent.optimistic !== undefined && !isWrite(op)) return parent.segment;
  return [...parent.segment, { addr: op.addr, size: op.elem.size, write: isWrite(op) }];
}

function optimisticReads(parent: Node | undefined, outcome: Outcome): ReadonlyMap<number, number> | undefined {
  let reads = parent?.optimistic;
  const op = parent?.outcome.op;
  if (reads !== undefined && op !== undefined && op.kind === PLAIN_READ && !reads.has(op.addr)) {
    reads = new Map([...reads, [op.addr, op.elem.size]]);
  }
  for (const effect of outcome.effects) {
    if (effect.type === "optimistic") reads = new Map();
    else if (effect.type === "validated" || effect.type === "discarded") reads = undefined;
  }
  return reads;
}

/** Values of primitive types as one text: different values, different texts. */
export function textOf(values: readonly unknown[]): string {
  const text = values.map((v) => {
    if ((typeof v === "object" && v !== null) || typeof v === "function" || typeof v === "symbol") {
      throw new TypeError("checkpoint: values of primitive types only: what an object holds may change");
    }
    return `${typeof v} ${Object.is(v, -0) ? "-0" : JSON.stringify(String(v))}`;
  });
  return text.join();
}
