// Runs workers to their end, or ends them and says where each one stood. For all tests with real workers.
// Invariant: when the promise of runWorkers() is settled, no worker runs any more (a worker that can't be ended is named
// in the error); it is fulfilled only if every worker called finish() and exited with code 0, or was allowed not to.
//
// Test:    const outcomes = await runWorkers({ file: new URL("./x.worker.js", import.meta.url), count: 4 });
// Worker:  import { data, finish, step } from "../support/watchdog.ts";
//          step("locking");           // shown if the worker hangs here; no message, only shared memory
//          finish({ sum: 42 });       // the last statement; the value becomes outcomes[i].result
//
// Where a worker stands lies in shared memory, so that it can be read while the worker blocks or spins. One cell each:
//
//   int32 0          int32 1                bytes 8 to 63
//   steps taken      length of the name     name of the last step (Latin-1, cut off at 56)

import { parentPort, Worker, workerData } from "node:worker_threads";

const cellBytes = 64;
const nameBytes = cellBytes - 8;
const resultKey = "holdfastTestResult";

/** What every worker of runWorkers() finds in its workerData beside the test's own properties. */
export interface WorkerContext {
  /** Number of this worker, from 0. */
  readonly index: number;
  /** Number of workers. */
  readonly count: number;
  readonly steps: SharedArrayBuffer;
}

export interface WorkerRun {
  /** The compiled worker: `new URL("./x.worker.js", import.meta.url)`. */
  readonly file: URL;
  readonly count: number;
  /** Properties for the workers' workerData, for all alike or by the worker's number. */
  readonly workerData?: object | ((index: number) => object);
  /** Variables of the workers' environment beside those of this process, for all alike or by the worker's number. */
  readonly env?: Record<string, string> | ((index: number) => Record<string, string>);
  /** Milliseconds after which all workers are ended and the run fails. Default 60,000. */
  readonly timeoutMs?: number;
  /** The cells of the workers' steps, of createSteps(count), for tests that read them with readStep(). */
  readonly steps?: SharedArrayBuffer;
  /** Whether a worker may fail or be killed (default: none). It then has `error` or a code, and no result. */
  readonly mayDie?: (index: number) => boolean;
  /** Sees each message when it arrives; may post answers or terminate workers. What it throws fails the run. */
  readonly onMessage?: (message: unknown, index: number, workers: readonly Worker[]) => void;
}

export interface WorkerOutcome<Result = unknown> {
  readonly index: number;
  /** What the worker gave to finish(); undefined if it died. */
  readonly result: Result;
  readonly finished: boolean;
  /** Everything that the worker posted, the result excepted. */
  readonly messages: readonly unknown[];
  /** What it threw. */
  readonly error: Error | undefined;
  /** Its exit code; undefined while it runs. A terminated worker has 1. */
  readonly exitCode: number | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Memory for the steps of `count` workers. */
export function createSteps(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * cellBytes);
}

/** Where a worker stands: `"locking" (step 7)`, or that it took no step yet. */
export function readStep(steps: SharedArrayBuffer, index: number): string {
  const cell = new Int32Array(steps, index * cellBytes, 2);
  const taken = Atomics.load(cell, 0);
  if (taken === 0) return "no step taken";
  const shared = new Uint8Array(steps, index * cellBytes + 8, Math.min(Atomics.load(cell, 1), nameBytes));
  return `"${String.fromCharCode(...shared)}" (step ${taken})`;
}

/** The workerData of this worker: what the test gave, and its WorkerContext. Throws a TypeError outside of a run. */
export function data<T extends object = object>(): T & WorkerContext {
  if (!(workerData?.steps instanceof SharedArrayBuffer)) throw new TypeError("this is no worker of runWorkers()");
  return workerData;
}

let cell: Int32Array | undefined;
let bytes: Uint8Array;

/** Notes, in a worker, where it stands now. Never blocks, and is cheap enough for loops. */
export function step(name: string): void {
  if (cell === undefined) {
    const { steps, index } = data();
    cell = new Int32Array(steps, index * cellBytes, 2);
    bytes = new Uint8Array(steps, index * cellBytes + 8, nameBytes);
  }
  const length = Math.min(name.length, nameBytes);
  for (let i = 0; i < length; i++) bytes[i] = name.charCodeAt(i);
  Atomics.store(cell, 1, length);
  Atomics.add(cell, 0, 1);
}

/** Hands a worker's result to the test. A worker that ends without it counts as failed, even with exit code 0. */
export function finish(result?: unknown): void {
  step("finished");
  parentPort?.postMessage({ [resultKey]: result });
}

/**
 * Starts `count` workers from one file and waits until all have ended.
 *
 * @returns one outcome for each worker, by its number
 * @throws Error that says where each worker stood, once all are ended: after `timeoutMs`, or as soon as a worker throws,
 * exits with another code than 0, or exits without finish(), unless `mayDie` allows it
 */
export async function runWorkers<Result = unknown>(run: WorkerRun): Promise<WorkerOutcome<Result>[]> {
  const { count, timeoutMs = 60_000, steps = createSteps(count) } = run;
  const outcomes: Mutable<WorkerOutcome>[] = [];
  const workers: Worker[] = [];
  let watchdog: NodeJS.Timeout | undefined;
  const failure = await new Promise<string | undefined>((settle) => {
    watchdog = setTimeout(() => settle(`workers still run after ${timeoutMs} ms`), timeoutMs);
    if (count === 0) settle(undefined);
    for (let index = 0; index < count; index++) {
      const own = typeof run.workerData === "function" ? run.workerData(index) : run.workerData;
      const env = { ...process.env, ...(typeof run.env === "function" ? run.env(index) : run.env) };
      workers.push(new Worker(run.file, { workerData: { ...own, index, count, steps } satisfies WorkerContext, env }));
      outcomes.push({ index, result: undefined, finished: false, messages: [], error: undefined, exitCode: undefined });
      watch(run, workers, outcomes, index, settle);
    }
  });
  clearTimeout(watchdog);
  if (failure === undefined) return outcomes as WorkerOutcome<Result>[];
  const standing = outcomes.map((outcome) => `  worker ${outcome.index}: ${describe(outcome, steps)}`);
  const immortal = await endAll(workers, outcomes);
  const cause = outcomes.find((outcome) => outcome.error !== undefined && !run.mayDie?.(outcome.index))?.error;
  throw new Error([failure, ...standing, ...immortal].join("\n"), { cause });
}

function watch(
  run: WorkerRun,
  workers: readonly Worker[],
  outcomes: Mutable<WorkerOutcome>[],
  index: number,
  settle: (failure: string | undefined) => void,
): void {
  const outcome = outcomes[index];
  const messages: unknown[] = [];
  outcome.messages = messages;
  const fail = (error: unknown) => {
    outcome.error = error instanceof Error ? error : new Error(`threw ${String(error)}`);
  };
  workers[index].on("message", (message: unknown) => {
    if (typeof message === "object" && message !== null && resultKey in message) {
      outcome.finished = true;
      outcome.result = message[resultKey];
      return;
    }
    messages.push(message);
    try {
      run.onMessage?.(message, index, workers);
    } catch (error) {
      settle(`onMessage threw at a message of worker ${index}: ${error instanceof Error ? error.stack : error}`);
    }
  });
  workers[index].on("messageerror", fail);
  workers[index].on("error", fail);
  // "exit" comes after "error" and after the last message.
  workers[index].on("exit", (code) => {
    outcome.exitCode = code;
    const good = code === 0 && outcome.error === undefined && outcome.finished;
    if (!good && !run.mayDie?.(index)) settle(`worker ${index} failed`);
    if (outcomes.length === run.count && outcomes.every((other) => other.exitCode !== undefined)) settle(undefined);
  });
}

function describe(outcome: WorkerOutcome, steps: SharedArrayBuffer): string {
  const at = `at ${readStep(steps, outcome.index)}`;
  if (outcome.error !== undefined) return `threw ${at}: ${outcome.error.stack ?? outcome.error}`;
  if (outcome.exitCode === undefined) return `still running ${at}`;
  const unfinished = outcome.finished ? "" : " without finish()";
  return `exited with code ${outcome.exitCode}${unfinished} ${at}`;
}

/** Ends all workers; names those that terminate() could not end (one blocked in native code). */
async function endAll(workers: readonly Worker[], outcomes: readonly WorkerOutcome[]): Promise<string[]> {
  let patience: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    patience = setTimeout(resolve, 5000);
  });
  await Promise.race([late, Promise.all(workers.map((worker) => worker.terminate()))]);
  clearTimeout(patience);
  const immortal = outcomes.filter((outcome) => outcome.exitCode === undefined);
  for (const { index } of immortal) workers[index].unref();
  return immortal.map(({ index }) => `  worker ${index} can't be terminated`);
}
