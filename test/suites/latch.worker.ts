// Roles of the workers of latch-suite.ts.
import { Latch, type LatchHandle } from "../../src/index.ts";
import { withoutSlices } from "../support/lock-backends.ts";
import { data, finish, step } from "../support/watchdog.ts";

const { role, handle } = data<{ role: string; handle: LatchHandle }>();
const latch = Latch.from(handle);

if (role === "wait") {
  withoutSlices();
  step("waiting");
  finish(latch.wait());
} else if (role === "waitAsync") {
  withoutSlices();
  const waiting = latch.waitAsync();
  step("awaits");
  finish(await waiting);
} else if (role === "countDown") {
  for (let k = 0; k < 1000; k++) latch.countDown();
  finish(latch.wait());
} else if (role === "wait with slices") {
  step("waiting");
  finish(latch.wait());
}
