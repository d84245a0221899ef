// Contended locks: real workers behind a start line, a fixed time, every subject in turn within each round. Each worker
// counts with a plain `+= 1` under the lock, so a lock that lets two in shows as a wrong count; a watchdog ends a lock
// that hangs. Both are reported as what they are.

import { Worker } from "node:worker_threads";
import { Mutex, Region } from "../src/index.ts";
import { type Effort, median, type Run, spreadOf } from "./result.ts";

export interface Contention {
  readonly workers: number;
  /** Loop steps inside the lock, and as many outside. */
  readonly steps: number;
}

/** What one repetition of one worker came to. */
export interface WorkerCount {
  readonly operations: number;
  readonly p50: number;
  readonly p99: number;
}

/** What a worker is told. */
export interface ContendedData {
  readonly subject: string;
  readonly steps: number;
  /** [0]: 0 wait, 1 run, 2 stop; [1]: workers ready. */
  readonly control: Int32Array;
  /** [0]: the plain counter; [16]: words of a hand-written lock. */
  readonly shared: Int32Array;
  readonly mutex: ReturnType<Mutex["share"]> | undefined;
}

interface Repetition {
  readonly nsPerOp: number;
  readonly p50: number;
  readonly p99: number;
}

export async function contend(
  suite: string,
  subjects: readonly string[],
  how: Contention,
  effort: Effort,
): Promise<Run[]> {
  const samples = new Map<string, Repetition[]>();
  const failures = new Map<string, string>();
  for (let round = 0; round < effort.rounds; round++) {
    for (let k = 0; k < subjects.length; k++) {
      const subject = subjects[(k + round) % subjects.length];
      if (failures.has(subject)) continue;
      const result = await repeat(subject, how, effort.milliseconds);
      if (typeof result === "string") failures.set(subject, result);
      else samples.set(subject, [...(samples.get(subject) ?? []), result]);
    }
  }
  return subjects.map((subject) => {
    const repetitions = samples.get(subject) ?? [];
    const times = repetitions.map((repetition) => repetition.nsPerOp);
    const nsPerOp = median(times);
    const failed = failures.get(subject);
    return {
      suite,
      case: `mutex ${how.steps} steps`,
      subject,
      workers: how.workers,
      nsPerOp,
      opsPerSecond: 1e9 / nsPerOp,
      p50: median(repetitions.map((repetition) => repetition.p50)),
      p99: median(repetitions.map((repetition) => repetition.p99)),
      spread: spreadOf(times),
      ...(failed === undefined ? {} : { failed }),
    };
  });
}

/** One repetition: the time an operation took over all workers, or what went wrong. */
async function repeat(subject: string, how: Contention, milliseconds: number): Promise<Repetition | string> {
  const control = new Int32Array(new SharedArrayBuffer(64));
  const shared = new Int32Array(new SharedArrayBuffer(256));
  const region = subject.startsWith("holdfast")
    ? Region.create({
        byteLength: 1 << 17,
        maxByteLength: 1 << 20,
        parking: subject === "holdfast-native" ? "native" : "atomics",
      })
    : undefined;
  const mutex = region === undefined ? undefined : new Mutex({ region }).share();
  const workerData: ContendedData = { subject, steps: how.steps, control, shared, mutex };
  const env = subject === "holdfast-js" ? { ...process.env, HOLDFAST_WASM: "0" } : process.env;
  const url = new URL("./contended.worker.js", import.meta.url);
  const workers = Array.from({ length: how.workers }, () => new Worker(url, { workerData, env }));
  try {
    const finished = Promise.all(workers.map((worker) => count(worker)));
    finished.catch(() => undefined);
    await until(() => Atomics.load(control, 1) === how.workers, 20_000, finished);
    const begun = performance.now();
    Atomics.store(control, 0, 1);
    Atomics.notify(control, 0);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    Atomics.store(control, 0, 2);
    const elapsed = performance.now() - begun;
    const counts = await Promise.race([finished, timeUp(10_000)]);
    if (counts === undefined) return "hung: no worker came back within 10 s";
    const operations = counts.reduce((sum, count) => sum + count.operations, 0);
    if (operations !== shared[0]) return `lost counts: ${operations} operations, ${shared[0]} counted`;
    const p50 = median(counts.map((count) => count.p50));
    return { nsPerOp: (elapsed * 1e6) / operations, p50, p99: Math.max(...counts.map((count) => count.p99)) };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function count(worker: Worker): Promise<WorkerCount> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a worker ended with code ${code}`)));
  });
}

async function until(condition: () => boolean, milliseconds: number, failed: Promise<unknown>): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`workers were not ready within ${milliseconds} ms`);
    await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 2))]);
  }
}

function timeUp(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), milliseconds).unref();
  });
}
