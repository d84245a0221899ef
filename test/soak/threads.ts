// The soak over short lives: thousands of threads, one after another and several at once, attach to one region, use a
// lock and end, of themselves or killed: with the lock, asleep for another, or with nothing. At the end nobody is left in
// the registry, every hold was given back, every count is there and no memory is lost.

import { Worker } from "node:worker_threads";
import { Mutex } from "../../src/locks/mutex.ts";
import { Region } from "../../src/region/region.ts";

const endings = ["return", "exit with a lock", "killed with a lock", "killed asleep"] as const;

/** What one thread is told. */
export interface ShortLife {
  readonly ending: (typeof endings)[number];
  /** [0] plain, under the lock; [1] what it must be in the end. */
  readonly plain: Int32Array;
  /** [0] counts what any of the threads does. */
  readonly steps: Int32Array;
  /** [0] how far this thread has come: 20 holds, their count, the last hold if it has one. */
  readonly stage: Int32Array;
}

export interface ShortLivesOptions {
  readonly count: number;
  /** How many live at a time. */
  readonly threads?: number;
  readonly parking?: "atomics" | "native";
}

export interface ShortLivesResult {
  readonly threads: number;
  readonly deaths: number;
  readonly operations: number;
  /** One sentence each for what should be impossible. */
  readonly mismatches: readonly string[];
  /** Bytes by which the process's resident memory grew from the first tenth of the threads to the last. */
  readonly grownBytes: number;
  readonly seconds: number;
}

const file = new URL("./threads.worker.js", import.meta.url);
/**
 * Seconds in which no thread does anything, after which those that live are taken to hang. Only those count whose tick came
 * in time: on a machine that is so busy that this thread does not run, the others need not run either.
 */
const PATIENCE = 60;
const LATE_MS = 250;

/** Runs them all; rejects if one of them fails or does not end. */
export async function shortLives({ count, threads = 8, parking }: ShortLivesOptions): Promise<ShortLivesResult> {
  const begun = performance.now();
  const region = Region.create({ maxThreads: 4 * threads, ...(parking === undefined ? {} : { parking }) });
  const mutex = new Mutex({ region });
  const held = new Mutex({ region });
  const { bytesUsed } = region.stats();
  const plain = new Int32Array(new SharedArrayBuffer(8));
  const steps = new Int32Array(new SharedArrayBuffer(4));
  const data = { plain, steps, lock: mutex.share(), held: held.share() };
  let started = 0;
  let resident = 0;
  held.lock();
  const living = new Set<ShortLife>();
  const live = async (): Promise<void> => {
    while (started < count) {
      if (started >= count / 10) resident ||= process.memoryUsage.rss();
      const stage = new Int32Array(new SharedArrayBuffer(4));
      const life = { ...data, stage, ending: endings[started++ % endings.length] };
      living.add(life);
      await oneLife(life);
      living.delete(life);
      Atomics.add(steps, 0, 1);
    }
  };
  const { hung, end } = watchdog(steps, living);
  try {
    await Promise.race([hung, Promise.all(Array.from({ length: threads }, live))]);
  } finally {
    end();
  }
  const grownBytes = process.memoryUsage.rss() - resident;
  held.unlock();
  const mismatches: string[] = [];
  mutex.lock({ recover: () => undefined }).release();
  if (plain[0] !== plain[1]) mismatches.push(`${plain[1]} increments under the lock came to ${plain[0]}`);
  if (region.threads !== 1) mismatches.push(`${region.threads - 1} threads that ended are still in the registry`);
  if (region.deaths !== count) mismatches.push(`${count} threads ended, ${region.deaths} were counted`);
  const leaked = region.stats().bytesUsed - bytesUsed;
  if (leaked !== 0) mismatches.push(`the region has ${leaked} more bytes in use than before`);
  const seconds = (performance.now() - begun) / 1000;
  return { threads: count, deaths: region.deaths, operations: plain[1], mismatches, grownBytes, seconds };
}

/** Rejects, and says how far each of the living has come, when none of them has done anything for long. */
function watchdog(steps: Int32Array, living: ReadonlySet<ShortLife>): { hung: Promise<never>; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const hung = new Promise<never>((_resolve, reject) => {
    let [seen, idle, due] = [-1, 0, performance.now()];
    timer = setInterval(() => {
      const time = performance.now();
      due += 1000;
      if (time - due < LATE_MS) idle++;
      else due = time;
      const now = Atomics.load(steps, 0);
      if (now !== seen) [seen, idle] = [now, 0];
      if (idle >= PATIENCE) reject(new Error(`no thread does anything any more: ${[...living].map(place).join("; ")}`));
    }, 1000);
  });
  return { hung, end: () => clearInterval(timer) };
}

function place({ ending, stage }: ShortLife): string {
  return `${ending}: after step ${Atomics.load(stage, 0)}`;
}

function oneLife(workerData: ShortLife): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, { workerData });
    worker.on("message", () => worker.terminate());
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
}
