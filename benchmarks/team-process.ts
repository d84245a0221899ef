// The process of a team: starts the workers, and for each order lets them wait at a start line, run, and count. It
// answers with one repetition's figures, or with what went wrong.

import { Worker } from "node:worker_threads";
import { median } from "./result.ts";
import { type Prepared, READY, RUN, STATE, STOP, WAIT } from "./task.ts";
import { taskOf } from "./tasks/index.ts";
import type { Order, Repetition, TeamData } from "./team.ts";

/** What a worker is sent for each repetition; `data` comes with the first of a case. */
export interface WorkOrder {
  readonly key: string;
  readonly task: string;
  readonly params: Order["params"];
  readonly seat: number;
  readonly data: unknown;
  /** Rounds of a task of fixed rounds. */
  readonly rounds: number;
}

/** What a worker answers when it is done. */
export interface WorkDone {
  readonly operations: number;
  /** When it was done, by the process's clock. */
  readonly end: number;
  /** The timed waits in nanoseconds. */
  readonly waits: Float64Array;
}

/** Rounds that tell how long a round takes. */
const FIRST_ROUNDS = 50;

const { subject, workers } = JSON.parse(process.argv[2]) as TeamData;
const control = new Int32Array(new SharedArrayBuffer(64));
const team = Array.from(
  { length: workers },
  () => new Worker(new URL("./team.worker.js", import.meta.url), { workerData: { subject, workers, control } }),
);

interface Open {
  readonly prepared: Prepared;
  /** Milliseconds that a round took the last time. */
  perRound: number | undefined;
}
const opened = new Map<string, Open>();

async function repeat(order: Order): Promise<Repetition | string> {
  const { task, params, milliseconds } = order;
  const key = JSON.stringify([task, params]);
  const known = opened.get(key);
  const open = known ?? { prepared: await taskOf(task).prepare({ subject, workers, params }), perRound: undefined };
  opened.set(key, open);
  const { prepared } = open;
  const rounds = open.perRound === undefined ? FIRST_ROUNDS : Math.max(10, Math.round(milliseconds / open.perRound));
  Atomics.store(control, STATE, WAIT);
  Atomics.store(control, READY, 0);
  const finished = Promise.all(team.map(done));
  finished.catch(() => undefined);
  team.forEach((worker, seat) => {
    const { data, transfer } = known === undefined ? prepared.give(seat) : { data: undefined };
    worker.postMessage({ key, task, params, seat, data, rounds } satisfies WorkOrder, transfer);
  });
  await ready(finished);
  prepared.begin?.();
  const before = process.resourceUsage();
  const begun = clock();
  Atomics.store(control, STATE, RUN);
  Atomics.notify(control, STATE);
  if (!prepared.fixedRounds) await new Promise((resolve) => setTimeout(resolve, milliseconds));
  const stopped = clock();
  if (!prepared.fixedRounds) Atomics.store(control, STATE, STOP);
  const results = await finished;
  const after = process.resourceUsage();
  const elapsed = (prepared.fixedRounds ? Math.max(...results.map(({ end }) => end)) : stopped) - begun;
  open.perRound = elapsed / 1e6 / rounds;
  const operations = results.reduce((sum, result) => sum + result.operations, 0);
  const wrong = prepared.verdict(operations, rounds);
  if (wrong !== undefined) return wrong;
  const used = (of: "userCPUTime" | "systemCPUTime" | "voluntaryContextSwitches"): number => after[of] - before[of];
  return {
    ...figures(results, elapsed, operations, prepared.fixedRounds),
    milliseconds: elapsed / 1e6,
    cpuNsPerOp: ((used("userCPUTime") + used("systemCPUTime")) * 1000) / operations,
    switchesPerOp: used("voluntaryContextSwitches") / operations,
  };
}

function figures(
  results: readonly WorkDone[],
  elapsed: number,
  operations: number,
  fixed: boolean,
): Omit<Repetition, "milliseconds"> {
  const waits = results.flatMap((result) => Array.from(result.waits)).sort((a, b) => a - b);
  const at = (part: number): number => waits[Math.floor((waits.length - 1) * part)] ?? elapsed / operations;
  const counts = results.map((result) => result.operations);
  return {
    nsPerOp: elapsed / operations,
    p50: waits.length === 0 ? elapsed / operations : median(waits),
    p99: at(0.99),
    ...(waits.length === 0 ? {} : { max: at(1) }),
    ...(fixed || workers === 1 ? {} : { fairness: (Math.min(...counts) * workers) / operations }),
  };
}

function done(worker: Worker): Promise<WorkDone> {
  return new Promise((resolve, reject) => {
    const settle = (result: WorkDone | Error): void => {
      worker.off("message", settle).off("error", settle).off("exit", ended);
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    const ended = (code: number): void => settle(new Error(`a worker ended with code ${code}`));
    worker.on("message", settle).on("error", settle).on("exit", ended);
  });
}

/** Until all stand at the start line; a worker that failed ends the wait. */
async function ready(finished: Promise<unknown>): Promise<void> {
  while (Atomics.load(control, READY) < workers) {
    await Promise.race([finished, new Promise((resolve) => setTimeout(resolve, 1))]);
  }
}

function clock(): number {
  return Number(process.hrtime.bigint());
}

process.on("message", (order: Order) => {
  repeat(order).then(
    (result) => process.send?.(result),
    (error: Error) => process.send?.(`failed: ${error.message}`),
  );
});
process.on("disconnect", () => process.exit(0));
