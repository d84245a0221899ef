// A thread that uses a mutex as told, and says what came of it.
import { parentPort } from "node:worker_threads";
import type { HoldfastError } from "../../src/cells/errors.ts";
import { type AsyncLockOptions, type LockOptions, Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { untilTerminated } from "../support/until-terminated.ts";
import { data, finish, step } from "../support/watchdog.ts";

export interface Told {
  readonly behaviour: string;
  readonly handle: MutexHandle;
  /** Word 0: told to go on. Words 1 …: what the threads count. */
  readonly words: Int32Array;
  readonly options?: LockOptions;
  readonly rounds?: number;
  readonly death?: "exit" | "throw" | "terminate" | "return";
  readonly repair?: boolean;
}

const { behaviour, handle, words, options, rounds = 0, death, repair, index } = data<Told>();
const mutex = Mutex.from(handle);

/** What a call comes to: "ok", or the error as plain data. */
function outcome(error: unknown): unknown {
  if (error === undefined) return "ok";
  const { code, message, info } = error as HoldfastError;
  return { code, message, info };
}

function attempt(work: () => unknown): unknown {
  try {
    work();
    return outcome(undefined);
  } catch (error) {
    return outcome(error);
  }
}

async function attemptAsync(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
    return outcome(undefined);
  } catch (error) {
    return outcome(error);
  }
}

function untilTold(): void {
  step("waiting to be told");
  while (Atomics.load(words, 0) === 0) Atomics.wait(words, 0, 0, 1000);
}

/** Not atomic on purpose: two threads inside at once lose counts. */
function count(): void {
  const seen = words[1];
  for (let k = 0; k < 20; k++) words[2]++;
  words[1] = seen + 1;
}

async function die(): Promise<void> {
  step(`dying by ${death}`);
  if (death === "exit") process.exit(0);
  if (death === "throw") throw new Error("dies on purpose");
  if (death === "terminate") await untilTerminated();
}

step(behaviour);
switch (behaviour) {
  case "hold": {
    mutex.lock();
    parentPort?.postMessage("held");
    untilTold();
    finish(attempt(() => mutex.unlock()));
    break;
  }
  case "unlock":
    finish(attempt(() => mutex.unlock()));
    break;
  case "free":
    finish(attempt(() => mutex.free()));
    break;
  case "lock":
    parentPort?.postMessage("begins");
    finish(attempt(() => mutex.lock(options).release()));
    break;
  case "await":
    parentPort?.postMessage("begins");
    finish(await attemptAsync(async () => (await mutex.lockAsync(options as AsyncLockOptions)).release()));
    break;
  case "count": {
    for (let k = 0; k < rounds; k++) {
      step(`round ${k}`);
      mutex.withLock(count);
    }
    finish(mutex.region.backend);
    break;
  }
  case "count async": {
    const tasks = Array.from({ length: 4 }, async () => {
      for (let k = 0; k < rounds / 4; k++) await mutex.withLockAsync(count);
    });
    await Promise.all(tasks);
    finish(mutex.region.backend);
    break;
  }
  case "count in all ways": {
    // Sync calls while this thread's own tasks hold the lock would wait for themselves: those are tried, not waited for.
    const tasks = Array.from({ length: 3 }, async (_, task) => {
      for (let k = 0; k < rounds / 3; k++) {
        step(`task ${task} round ${k}`);
        if ((k + task) % 3 === 0) {
          const guard = mutex.tryLock();
          if (guard !== undefined) {
            count();
            guard.release();
            continue;
          }
        }
        if ((k + task) % 7 === 0) {
          const timed = await mutex.lockAsync({ timeout: 0.1 }).catch(() => undefined);
          if (timed !== undefined) {
            count();
            timed.release();
            continue;
          }
        }
        await mutex.withLockAsync(count);
      }
    });
    await Promise.all(tasks);
    finish(mutex.region.backend);
    break;
  }
  case "die holding": {
    mutex.lock();
    words[1] = -1;
    parentPort?.postMessage("held");
    if (death !== "terminate") while (mutex.waiters < (rounds || 1)) Atomics.wait(words, 0, 0, 5);
    await die();
    break;
  }
  case "die holding by a task": {
    await mutex.lockAsync();
    parentPort?.postMessage("held");
    await die();
    break;
  }
  case "die waiting":
    parentPort?.postMessage("begins");
    mutex.lock();
    finish("acquired");
    break;
  case "die awaiting":
    parentPort?.postMessage("begins");
    await mutex.lockAsync();
    finish("acquired");
    break;
  case "take over": {
    // Each in a chain takes over from the last one that died, repairs or not, and dies holding too.
    const taken = attempt(() => mutex.lock({ recover: repair ? () => undefined : () => void (words[3] += 1) }));
    parentPort?.postMessage({ taken, index });
    await die();
    break;
  }
  default:
    throw new Error(`no such behaviour: ${behaviour}`);
}
