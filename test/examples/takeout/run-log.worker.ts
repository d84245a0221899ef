// A thread that writes lines of many lengths to the log, then says so; told to hang on, it writes until it is killed.
import { parentPort, workerData } from "node:worker_threads";
import { RunLog, type RunLogHandle } from "../../../examples/takeout/run-log.ts";

const { handle, writer, lines } = workerData as { handle: RunLogHandle; writer: number; lines: number };
const log = RunLog.from(handle, `worker ${writer}`);
for (let i = 0; i < lines; i++) {
  log.write(`${writer}:${i}:${String.fromCharCode(97 + writer).repeat((i * 37) % 5000)}:end`);
  if (i === 0) parentPort?.postMessage("begun");
}
