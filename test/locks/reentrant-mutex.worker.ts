// Workers of reentrant-mutex.test.ts.

import { parentPort } from "node:worker_threads";
import { ReentrantMutex, type ReentrantMutexHandle } from "../../src/locks/reentrant-mutex.ts";
import { untilTerminated } from "../support/until-terminated.ts";
import { data, finish, step } from "../support/watchdog.ts";

interface Data {
  readonly mode: "stress" | "die";
  readonly mutex: ReentrantMutexHandle;
  readonly plain: Int32Array;
  readonly rounds: number;
  readonly end: "terminate" | "exit" | "throw";
}

const { mode, mutex: handle, plain, rounds, end, index } = data<Data>();
const mutex = ReentrantMutex.from(handle);

/** A section that only mutual exclusion keeps whole: plain words, an overlap flag. */
function section(depth: number): void {
  if (depth > 0) {
    mutex.withLock(() => section(depth - 1));
    return;
  }
  if (plain[1] !== 0) throw new Error("two threads are inside");
  plain[1] = 1;
  plain[0]++;
  plain[1] = 0;
}

async function asyncSection(): Promise<void> {
  const guard = await mutex.lockAsync();
  const inner = guard.reenter();
  if (plain[1] !== 0) throw new Error("two are inside");
  plain[1] = 1;
  if ((plain[0] & 63) === 0) await new Promise(setImmediate);
  plain[0]++;
  plain[1] = 0;
  guard.release();
  inner.release();
}

if (mode === "stress") {
  if (index % 2 === 0) {
    for (let round = 0; round < rounds; round++) {
      step("sync");
      section(1 + (round & 3));
    }
  } else {
    for (let round = 0; round < rounds; round += 2) {
      step("async");
      await Promise.all([asyncSection(), asyncSection()]);
    }
  }
  finish();
} else {
  for (let level = 0; level < 3; level++) mutex.lock();
  if (end === "exit") process.exit(3);
  if (end === "throw") throw new Error("ended on purpose");
  parentPort?.postMessage("held");
  await untilTerminated();
}
