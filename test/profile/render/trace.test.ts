// The trace against the format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU and what
// Perfetto's importer asks beyond it (slices of a track nest, both ends of a flow lie within a slice).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { chromeTrace } from "../../../src/profile/render/trace.ts";
import type { Profile, Span } from "../../../src/profile/types.ts";
import { checkNesting, checkTrace, ns, slicesOf } from "../../support/chrome-trace.ts";
import { emptyProfile, hostileProfile, hotProfile, largeProfile } from "../../support/profiles.ts";

const test = suite("profile: Chrome trace");

test("every event is as the format wants it, slices nest, arrows lie within them", () => {
  for (const profile of [hotProfile(), hostileProfile(), largeProfile(60, 16, 2000), emptyProfile()]) {
    checkTrace(chromeTrace(profile));
  }
});

test("one track for each thread, by its name, and one slice for each span", () => {
  const profile = hotProfile();
  const { traceEvents } = chromeTrace(profile);
  const names = traceEvents.filter(({ name }) => name === "thread_name").map(({ args }) => args?.name);
  assert.equal(names, ["main", "worker 2", "worker 3", "worker 4"]);
  const slices = slicesOf(traceEvents).map(
    ({ tid, cat, args, ts, dur }) => `${tid} ${cat} ${args?.id} ${ns(ts)} ${ns(dur)}`,
  );
  const spans = profile.spans.map(
    ({ thread, what, lock, start, length }) => `${thread} ${what} ${lock} ${start} ${length}`,
  );
  assert.equal(slices.sort(), spans.sort());
});

const only = (...spans: Span[]): Profile => ({ ...hotProfile(), spans });

test("an arrow goes from the hold that kept a thread waiting to its wait", () => {
  const { traceEvents } = chromeTrace(
    only(
      { thread: 1, lock: "1:4096", what: "hold", start: 0, length: 1000 },
      { thread: 2, lock: "1:4096", what: "wait", start: 500, length: 500 },
      { thread: 2, lock: "1:4096", what: "hold", start: 1000, length: 500 },
      { thread: 3, lock: "1:4160", what: "wait", start: 500, length: 500 },
    ),
  );
  const flows = traceEvents.filter(({ ph }) => ph === "s" || ph === "f");
  assert.equal(
    flows.map(({ ph, tid, ts }) => [ph, tid, ts]),
    [
      ["s", 1, 0.999],
      ["f", 2, 0.999],
    ],
  );
});

test("holds that overlap without nesting get a track each", () => {
  const { traceEvents } = chromeTrace(
    only(
      { thread: 1, lock: "1:4096", what: "hold", start: 0, length: 1000 },
      { thread: 1, lock: "1:4160", what: "hold", start: 500, length: 1000 },
      { thread: 1, lock: "1:4352", what: "hold", start: 600, length: 100 },
    ),
  );
  checkNesting(traceEvents);
  assert.equal(
    slicesOf(traceEvents).map(({ tid }) => tid),
    [1, 100_001, 1],
  );
  assert.ok(traceEvents.some(({ args }) => args?.name === "main (overlapping 1)"));
});

test("spans of threads that the profile does not list are left out", () => {
  const { traceEvents } = chromeTrace(only({ thread: 77, lock: "1:4096", what: "hold", start: 0, length: 1 }));
  assert.is(slicesOf(traceEvents).length, 0);
});

test.run();
