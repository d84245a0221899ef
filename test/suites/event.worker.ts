// Roles of the workers of event-suite.ts.
import { Event, type EventHandle } from "../../src/index.ts";
import { withoutSlices } from "../support/lock-backends.ts";
import { data, finish, step } from "../support/watchdog.ts";

const { role, handle, next, rounds } = data<{
  role: string;
  handle: EventHandle;
  next?: EventHandle;
  rounds: number;
}>();
const event = Event.from(handle);

if (role === "wait") {
  withoutSlices();
  let passed = 0;
  for (let round = 0; round < rounds; round++) {
    step(`waiting, round ${round}`);
    if (event.wait()) passed++;
    if (next === undefined) continue;
    step(`passed, round ${round}`);
    Event.from(next).wait();
    Event.from(next).clear();
  }
  finish(passed);
} else if (role === "waitAsync") {
  withoutSlices();
  const results = await Promise.all(Array.from({ length: rounds }, () => event.waitAsync()));
  finish(results.filter((passed) => passed).length);
} else if (role === "wait with slices") {
  step("waiting");
  finish(event.wait());
} else if (role === "await with slices") {
  step("awaiting");
  const waiting = event.waitAsync();
  step("awaits");
  finish(await waiting);
}
