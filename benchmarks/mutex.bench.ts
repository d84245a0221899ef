// The mutex: uncontended pairs against the bare operations, contended ones against what users write by hand.

import { nativePart } from "../src/cells/native.ts";
import { Mutex, Region } from "../src/index.ts";
import { contend } from "./contended.ts";
import { measure, type Subject } from "./one-thread.ts";
import type { Effort, Run, Suite } from "./result.ts";
import { threeStateFutexLock } from "./rivals/hand-written.ts";

function bareAtomics(): Subject {
  const words = new Int32Array(new SharedArrayBuffer(64));
  return {
    name: "floor-js",
    batch: (operations) => {
      for (let k = 0; k < operations; k++) {
        Atomics.compareExchange(words, 0, 0, 1);
        Atomics.compareExchange(words, 0, 1, 0);
      }
    },
  };
}

function textbook(): Subject {
  const lock = threeStateFutexLock(new Int32Array(new SharedArrayBuffer(64)));
  return {
    name: "three-state futex",
    batch: (operations) => {
      for (let k = 0; k < operations; k++) {
        lock.lock();
        lock.unlock();
      }
    },
  };
}

/** Each subject has a loop of its own, so that one does not spoil the other's inline caches. */
function pairs(name: string, mutex: Mutex): Subject {
  const batch = new Function(
    "mutex",
    "return (operations) => { for (let k = 0; k < operations; k++) { mutex.lock(); mutex.unlock(); } }",
  )(mutex) as Subject["batch"];
  return { name, batch };
}

function guarded(mutex: Mutex): Subject {
  return {
    name: "holdfast (guard)",
    batch: (operations) => {
      for (let k = 0; k < operations; k++) {
        const guard = mutex.lock();
        guard.release();
      }
    },
  };
}

function withLock(mutex: Mutex): Subject {
  const nothing = (): void => undefined;
  return {
    name: "holdfast (withLock)",
    batch: (operations) => {
      for (let k = 0; k < operations; k++) mutex.withLock(nothing);
    },
  };
}

async function uncontended(effort: Effort): Promise<Run[]> {
  const mutex = new Mutex({ region: Region.create() });
  const js = new Mutex({ region: Region.create({ wasm: false }) });
  const subjects = [
    bareAtomics(),
    pairs("holdfast", mutex),
    guarded(mutex),
    withLock(mutex),
    pairs("holdfast-js", js),
    textbook(),
  ];
  return await measure("mutex uncontended", "lock + unlock", subjects, effort);
}

/** With the native part where it is built. */
const NATIVE = nativePart() === undefined ? [] : ["holdfast-native"];
const CONTENDED = ["holdfast", ...NATIVE, "holdfast-js", "three-state futex", "two-state spin"];

async function contended(effort: Effort): Promise<Run[]> {
  const runs: Run[] = [];
  for (const workers of [1, 2, 4, 8, 16]) {
    for (const steps of [0, 50, 200, 2000]) {
      runs.push(...(await contend(`mutex contended, ${workers} workers`, CONTENDED, { workers, steps }, effort)));
    }
  }
  return runs;
}

export const suites: Suite[] = [
  { name: "mutex uncontended", yardstick: "floor-js", run: uncontended },
  { name: "mutex contended", yardstick: "three-state futex", run: contended },
];
