// A thread that writes lines of many lengths to the log; or half a line, and then holds the mutex until it is killed.
import { appendFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { RunLog, type RunLogHandle } from "../../../examples/takeout/run-log.ts";
import { Mutex } from "../../../src/locks/mutex.ts";

const { handle, writer, lines } = workerData as { handle: RunLogHandle; writer: number; lines: number };
const log = RunLog.from(handle, `worker ${writer}`);
if (lines === 0) {
  Mutex.from(handle.mutex).lock();
  appendFileSync(handle.file, "half a li");
  parentPort?.postMessage("begun");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
for (let i = 0; i < lines; i++) {
  log.write(`${writer}:${i}:${String.fromCharCode(97 + writer).repeat((i * 37) % 5000)}:end`);
  if (i === 0) parentPort?.postMessage("begun");
}
