// A shared map used by several real workers for a fixed time: operations of all of them together. Each repetition is a
// process of its own: a subject that hangs, or ends the process (lmdb aborts on a failed assertion), is reported as that,
// and the others go on.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { fill } from "./map-plan.ts";
import { type Effort, median, type Run, spreadOf } from "./result.ts";
import { programOf } from "./rivals/sqlite.ts";
import { openStore, serve } from "./rivals/tables.ts";

/** What a worker is told. */
export interface CrowdData {
  readonly subject: string;
  readonly name: string;
  /** [0]: 0 wait, 1 run, 2 stop; [1]: workers ready. */
  readonly control: Int32Array;
  readonly handle: unknown;
  readonly port: MessagePort | undefined;
}

/** What a repetition came to: nanoseconds an operation took, of time and of the processors. */
interface Cost {
  readonly time: number;
  readonly cpu: number;
}

const READY_MS = 40_000;
const STOP_MS = 5_000;
const PROCESS_MS = 60_000;

/** All subjects in turn, round by round. */
export async function crowd(
  suite: string,
  name: string,
  subjects: readonly string[],
  workers: number,
  effort: Effort,
): Promise<Run[]> {
  const costs = new Map<string, Cost[]>();
  const failures = new Map<string, string>();
  for (let round = 0; round < effort.rounds; round++) {
    for (let k = 0; k < subjects.length; k++) {
      const subject = subjects[(k + round) % subjects.length];
      if (failures.has(subject)) continue;
      const result = await inProcess(subject, name, workers, effort.milliseconds);
      if (typeof result === "string") failures.set(subject, result);
      else costs.set(subject, [...(costs.get(subject) ?? []), result]);
    }
  }
  return subjects.map((subject) => {
    const seen = costs.get(subject) ?? [];
    const samples = seen.map(({ time }) => time);
    const nsPerOp = samples.length === 0 ? Number.NaN : median(samples);
    const failed = failures.get(subject);
    return {
      suite,
      case: name,
      subject,
      workers,
      nsPerOp,
      opsPerSecond: 1e9 / nsPerOp,
      p50: nsPerOp,
      p99: samples.length === 0 ? Number.NaN : Math.max(...samples),
      spread: samples.length === 0 ? 0 : spreadOf(samples),
      ...(seen.length === 0 ? {} : { cpuNsPerOp: median(seen.map(({ cpu }) => cpu)) }),
      ...(failed === undefined ? {} : { failed }),
    };
  });
}

function inProcess(subject: string, name: string, count: number, milliseconds: number): Promise<Cost | string> {
  const scratch = mkdtempSync(join(tmpdir(), "holdfast-crowd-"));
  const args = [fileURLToPath(import.meta.url), subject, name, String(count), String(milliseconds)];
  const options = { timeout: PROCESS_MS, killSignal: "SIGKILL", env: { ...process.env, TMPDIR: scratch } } as const;
  return new Promise((resolve) => {
    execFile(programOf(subject), args, options, (error, stdout, stderr) => {
      rmSync(scratch, { recursive: true, force: true });
      if (error === null) resolve(JSON.parse(stdout) as Cost | string);
      else if (error.killed) resolve(`hung: no end within ${PROCESS_MS / 1000} s`);
      else resolve(`its process ended with ${error.signal ?? `code ${error.code}`}: ${stderr.trim().split("\n")[0]}`);
    });
  });
}

/** One repetition, over all workers together; or what went wrong. */
async function repeat(subject: string, name: string, count: number, milliseconds: number): Promise<Cost | string> {
  const control = new Int32Array(new SharedArrayBuffer(64));
  const { store, handle, close } = openStore(subject);
  fill(store);
  const env = subject === "holdfast-js" ? { ...process.env, HOLDFAST_WASM: "0" } : process.env;
  const workers = Array.from({ length: count }, () => start({ subject, name, control, handle, port: undefined }, env));
  try {
    const finished = Promise.all(workers.map((worker) => counted(worker)));
    finished.catch(() => undefined);
    if (!(await readyWithin(control, count, finished))) return `not ready within ${READY_MS / 1000} s`;
    const begun = performance.now();
    const used = process.cpuUsage();
    Atomics.store(control, 0, 1);
    Atomics.notify(control, 0);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    Atomics.store(control, 0, 2);
    const elapsed = performance.now() - begun;
    const { user, system } = process.cpuUsage(used);
    const counts = await Promise.race([finished, timeUp(STOP_MS)]);
    if (counts === undefined) return `hung: no end within ${STOP_MS / 1000} s`;
    const operations = counts.reduce((sum, one) => sum + one, 0);
    return { time: (elapsed * 1e6) / operations, cpu: ((user + system) * 1e3) / operations };
  } catch (error) {
    return `failed: ${(error as Error).message}`;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
    await close();
  }

  function start(data: CrowdData, workerEnv: NodeJS.ProcessEnv): Worker {
    const file = new URL("./map.worker.js", import.meta.url);
    if (subject !== "postMessage") return new Worker(file, { workerData: data, env: workerEnv });
    const { port1, port2 } = new MessageChannel();
    serve(port1, store);
    return new Worker(file, { workerData: { ...data, port: port2 }, transferList: [port2] });
  }
}

function counted(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a worker ended with code ${code}`)));
  });
}

async function readyWithin(control: Int32Array, count: number, failed: Promise<unknown>): Promise<boolean> {
  const deadline = performance.now() + READY_MS;
  while (Atomics.load(control, 1) < count) {
    if (performance.now() > deadline) return false;
    await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 2))]);
  }
  return true;
}

function timeUp(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), milliseconds).unref();
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [subject, name, count, milliseconds] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await repeat(subject, name, Number(count), Number(milliseconds))));
  process.exit(0);
}
