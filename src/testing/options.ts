// What explore() takes and gives: the public types, documented where users look them up.
import type { FailureKind, ThreadStatus } from "./judge.ts";
import type { ThreadInfo } from "./run.ts";
import type { Names, TraceStep } from "./trace.ts";

/** Code of one thread. It gets views of the model's memory in the shape that `memory` has. */
export type Body<M> = (memory: M, thread: ThreadInfo) => unknown;

export interface ThreadOptions<M> {
  readonly body: Body<M>;
  /** How often the thread calls its body, one call after the other. Cheaper than a loop in the body. Default 1. */
  readonly rounds?: number;
  /** Default: "thread 0", "thread 1", … */
  readonly name?: string;
  /** May be waiting, or running idle, when the run is over. */
  readonly daemon?: boolean;
  /** May be the one that dies. Default true. */
  readonly crash?: boolean;
}

export interface ExploreOptions<M> {
  readonly threads: readonly (Body<M> | ThreadOptions<M>)[];
  /** A view of a SharedArrayBuffer, or an object of such views. Its contents now are the contents at the start. */
  readonly memory: M;
  /** Names of the shared words, for traces. */
  readonly names?: Names;
  /** Checked in every state; throw, or return false, to object. Reads the memory directly: no step of the model. */
  readonly invariant?: (memory: M, threads: readonly ThreadStatus[]) => unknown;
  /** The same, for the end of every run. */
  readonly final?: (memory: M, threads: readonly ThreadStatus[]) => unknown;
  /** Called before each run of a body: puts back module state that, in real threads, each thread has for itself. */
  readonly reset?: () => void;
  /** How many threads may die, each at any operation. Default 0. */
  readonly crashes?: number;
  /** One atomic step at any time after a death, as the parent's `exit` event: may write the memory and notify. */
  readonly onCrash?: (thread: number, memory: M) => void;
  /** Explore only runs with at most so many switches away from a thread that could go on. Default: no bound. */
  readonly preemptions?: number;
  /** When deadlines end: at "any" time (default), or only when nothing else can run ("idle"). */
  readonly timeouts?: "any" | "idle";
  /** A wait for exactly so many milliseconds is a slice: it ends only when nothing else can run. Default 250. */
  readonly sliceMs?: number | readonly number[];
  /** Which runs may need the end of a slice to go on: those in which a thread died (default), all, or none. */
  readonly slices?: "after-death" | "allowed" | "never";
  /** How often, in one run, a reading of the clock may find that `clockStep` milliseconds (default 2) have passed. */
  readonly clockJumps?: number;
  readonly clockStep?: number;
  /** Report plain reads and writes that race (default), or ignore races. */
  readonly plain?: "report" | "ignore";
  /** Report runs that never end although the scheduler is fair (default), or ignore them. */
  readonly livelocks?: "report" | "ignore";
  /** Take what bodies say by checkpoint() and scope() (default), or search as if they had said nothing. */
  readonly checkpoints?: "use" | "ignore";
  /** "exhaustive" (default), or schedules drawn at random: uniformly, or by PCT. */
  readonly mode?: "exhaustive" | "random" | "pct";
  /** For random and pct: how many schedules (default 10,000), from which seed (default 1), PCT's bug depth (3). */
  readonly schedules?: number;
  readonly seed?: number;
  readonly depth?: number;
  /** Most states to visit; the result says if that cut the search. Default 2,000,000. */
  readonly states?: number;
  /** Most operations of one thread. Default 5,000. */
  readonly maxSteps?: number;
  /**
   * A body that runs so long without any operation never ends: ERR_MODEL_ENDLESS. Default 10,000 ms. Only Node can end one:
   * synchronous code by `vm`, async code by the inspector, and that not from within a worker.
   */
  readonly watchdogMs?: number;
  /** Search for the shortest failing schedule when one has been found. Default true. */
  readonly shortest?: boolean;
  /** Run this schedule only, as printed by a failure. */
  readonly replay?: string;
}

export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  /** Pass it as `replay` to run exactly this again. */
  readonly schedule: string;
  /** No schedule with fewer steps fails. */
  readonly shortest: boolean;
  readonly steps: readonly TraceStep[];
  /** Message, one column per thread with the shared words, and the schedule. */
  toString(): string;
}

export interface ExploreResult {
  readonly ok: boolean;
  /** Every interleaving within the options was covered. */
  readonly exhaustive: boolean;
  readonly failure: Failure | undefined;
  readonly states: number;
  readonly transitions: number;
  /** Complete runs that the search followed to their end. */
  readonly schedules: number;
  /** Longest run, in steps. */
  readonly depth: number;
  /** Times that a body was run. */
  readonly replays: number;
  readonly seconds: number;
  readonly transitionsPerSecond: number;
  /** Why the search ended early, if it did. */
  readonly cut: string | undefined;
  /** What had to be assumed: loops taken as endless. */
  readonly assumptions: readonly string[];
}
