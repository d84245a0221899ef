// Does what its workerData says: for the tests of the watchdog itself.
import { parentPort } from "node:worker_threads";
import { data, finish, step } from "./watchdog.ts";

const { index, behaviour } = data<{ behaviour: string }>();

step("started");
if (behaviour === "talk") {
  parentPort?.postMessage(`hello from ${index}`);
  step("talked");
} else if (behaviour === "block") {
  step("waiting for nobody");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
} else if (behaviour === "spin") {
  step("spinning");
  for (;;);
} else if (behaviour === "throw") {
  step("about to throw");
  throw new RangeError("thrown on purpose");
} else if (behaviour === "exit") {
  step("about to exit");
  process.exit(7);
} else if (behaviour === "vanish") {
  step("about to vanish");
  process.exit(0);
} else if (behaviour === "wait for kill") {
  parentPort?.postMessage("ready");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
finish(index * 10);
