// Computes with a lock held, without a look at its event loop, until it is told to give the lock back.
import { parentPort } from "node:worker_threads";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { data, finish } from "../support/watchdog.ts";

const { handle, words } = data<{ handle: MutexHandle; words: Int32Array }>();
const mutex = Mutex.from(handle);
mutex.lock();
parentPort?.postMessage("held");
while (Atomics.load(words, 0) === 0) Atomics.add(words, 1, 1);
mutex.unlock();
finish();
