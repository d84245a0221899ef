// One run of one body against a log, while it lasts; and how to tell that all its microtasks have run.
import { ModelError } from "./errors.ts";
import { KIND_NAMES, type Op } from "./ops.ts";
import { type Effect, type End, textOf } from "./tree.ts";

/** What a body is told about its thread. */
export interface ThreadInfo {
  readonly index: number;
  readonly name: string;
  /** Which call of the body this is, from 0. */
  readonly round: number;
}

/** One thread as the caller describes it. */
export interface Actor {
  readonly index: number;
  readonly name: string;
  readonly body: (memory: never, thread: ThreadInfo) => unknown;
  readonly rounds: number;
  /** Learnt on the way: the body returns a promise, arms a waitAsync or sets a timer. */
  async: boolean;
}

/** What a suspended operation throws: no error, and nothing of the body. */
export const SUSPEND: object = Object.freeze({ toString: () => "a suspended thread of the model checker" });
export const isSuspend = (reason: unknown): boolean => reason === SUSPEND;

type Settle = (value: unknown) => void;

export class Run {
  pos = 0;
  suspended = false;
  op: Op | undefined;
  end: End | undefined;
  effects: Effect[] = [];
  tokens = 0;
  fault: ModelError | undefined;
  async = false;
  /** How long the log was when each open scope was entered. */
  readonly scopes: number[] = [];
  readonly listeners = new Map<number, Settle>();
  readonly repeating = new Set<number>();
  readonly actor: Actor;
  readonly log: readonly unknown[];
  readonly ops: readonly (Op | undefined)[];

  constructor(actor: Actor, log: readonly unknown[], ops: readonly (Op | undefined)[]) {
    this.actor = actor;
    this.log = log;
    this.ops = ops;
  }

  /** Whether the body is past its log, on new ground. */
  isNew(): boolean {
    return !this.suspended && this.pos === this.log.length;
  }

  note(effect: Effect): void {
    if (this.isNew()) this.effects.push(effect);
  }

  checkpoint(base: number, values: readonly unknown[]): void {
    this.note({ type: "checkpoint", base, values: textOf([this.scopes.length, ...values]) });
  }

  /** Ends this replay for good: the body is not one that can be checked. */
  fail(error: ModelError): never {
    this.fault ??= error;
    this.suspended = true;
    throw SUSPEND;
  }
}

/** The error about a body that did something else than before. */
export function differs(run: Run, op: Op | undefined): ModelError {
  const before = run.ops[run.pos];
  const say = (o: Op | undefined): string => (o === undefined ? "ended or waited for an event" : KIND_NAMES[o.kind]);
  return new ModelError(
    "ERR_MODEL_NONDETERMINISTIC",
    `the body is not deterministic: run again with the same results it did \`${say(op)}\` where it did ` +
      `\`${say(before)}\`${before !== undefined && op?.kind === before.kind ? " with other operands" : ""} before. ` +
      "It keeps state outside the memory, or depends on something that no schedule determines",
    run.actor.name,
    run.pos,
  );
}

type Tick = (callback: () => void) => void;
const realTimeout = setTimeout;
const nodeTick = (globalThis as { process?: { nextTick?: Tick } }).process?.nextTick;
const nextTick: Tick = nodeTick ?? ((callback) => void realTimeout(callback, 0));

/**
 * Resolves when no microtask is queued. From inside a microtask, Node runs a nextTick callback only once the microtask
 * queue is empty (elsewhere a macrotask does the same); hence the first `await`.
 */
export async function drained(): Promise<void> {
  await undefined;
  await new Promise<void>((resolve) => nextTick(resolve));
}
