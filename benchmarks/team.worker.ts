// One worker of a team: opens each task once, and runs it from the start line
// until it is told to stop, or for its rounds.

import { parentPort, workerData } from "node:worker_threads";
import { type Job, READY, RUN, STATE, WAIT, Waits, workFor } from "./task.ts";
import { taskOf } from "./tasks/index.ts";
import type { WorkDone, WorkOrder } from "./team-process.ts";

const { subject, workers, control } = workerData as { subject: string; workers: number; control: Int32Array };
const waits = new Waits();
const jobs = new Map<string, Job>();

/** Until the work itself is compiled, which on a busy machine may take longer than the repetitions that warm up. */
function warmWork(): void {
  for (const end = performance.now() + 500; performance.now() < end; ) {
    const begun = performance.now();
    workFor(10_000);
    if (performance.now() - begun < 0.03) return;
  }
}

async function jobOf(order: WorkOrder): Promise<Job> {
  const { key, task, params, seat, data } = order;
  const known = jobs.get(key);
  if (known !== undefined) return known;
  const job = await taskOf(task).open(data, { subject, workers, params }, seat, waits);
  if (jobs.size === 0) warmWork();
  jobs.set(key, job);
  return job;
}

async function runUntilStopped(job: Job): Promise<number> {
  let operations = 0;
  // Once in any case: on a busy machine the time may be over before this worker runs.
  do {
    const done = job.run(job.batch);
    operations += typeof done === "number" ? done : await done;
  } while (Atomics.load(control, STATE) === RUN);
  return operations;
}

async function work(order: WorkOrder): Promise<void> {
  const job = await jobOf(order);
  waits.clear();
  Atomics.add(control, READY, 1);
  Atomics.wait(control, STATE, WAIT);
  const operations = job.batch > 0 ? await runUntilStopped(job) : await job.run(order.rounds);
  const answer: WorkDone = { operations, end: Number(process.hrtime.bigint()), waits: waits.taken() };
  parentPort?.postMessage(answer);
}

parentPort?.on("message", (order: WorkOrder) => {
  // An error ends the worker, which its process reports.
  work(order).catch((error: unknown) => {
    setImmediate(() => {
      throw error;
    });
  });
});
