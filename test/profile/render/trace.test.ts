// The trace against the format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU and what
// Perfetto's importer asks beyond it (slices of a track nest, both ends of a flow lie within a slice).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { chromeTrace, type TraceEvent } from "../../../src/profile/render/trace.ts";
import type { Profile, Span } from "../../../src/profile/types.ts";
import { emptyProfile, hostileProfile, hotProfile, largeProfile } from "../../support/profiles.ts";

const test = suite("profile: Chrome trace");

/** Nanoseconds again, as sums of fractions of microseconds are not exact. */
const ns = (micro: number | undefined): number => Math.round((micro ?? Number.NaN) * 1000);
const slicesOf = (events: readonly TraceEvent[]): TraceEvent[] => events.filter(({ ph }) => ph === "X");

function checkEvent(event: TraceEvent): void {
  assert.ok(["M", "X", "s", "f"].includes(event.ph), event.ph);
  assert.type(event.name, "string");
  assert.ok(Number.isInteger(event.pid) && Number.isInteger(event.tid));
  if (event.ph === "M") {
    assert.ok(["process_name", "thread_name", "thread_sort_index"].includes(event.name));
    assert.type(
      event.args?.[event.name === "thread_sort_index" ? "sort_index" : "name"],
      event.name === "thread_sort_index" ? "number" : "string",
    );
    return;
  }
  assert.ok(Number.isFinite(event.ts) && (event.ts as number) >= 0);
  assert.type(event.cat, "string");
  if (event.ph === "X") assert.ok(Number.isFinite(event.dur) && (event.dur as number) >= 0);
  else assert.ok(Number.isInteger(event.id));
  if (event.ph === "f") assert.is(event.bp, "e");
}

function checkNesting(events: readonly TraceEvent[]): void {
  const tracks = new Map<number, TraceEvent[]>();
  for (const slice of slicesOf(events)) tracks.set(slice.tid, [...(tracks.get(slice.tid) ?? []), slice]);
  for (const slices of tracks.values()) {
    const open: number[] = [];
    slices.sort((a, b) => ns(a.ts) - ns(b.ts) || ns(b.dur) - ns(a.dur));
    for (const { ts, dur } of slices) {
      while (open.length > 0 && open[open.length - 1] <= ns(ts)) open.pop();
      assert.ok(open.length === 0 || ns(ts) + ns(dur) <= open[open.length - 1], "slices of a track nest");
      open.push(ns(ts) + ns(dur));
    }
  }
}

function checkFlows(events: readonly TraceEvent[]): number {
  const starts = new Map(events.filter(({ ph }) => ph === "s").map((event) => [event.id, event]));
  const ends = events.filter(({ ph }) => ph === "f");
  assert.is(starts.size, ends.length);
  const tracks = new Map<number, TraceEvent[]>();
  for (const slice of slicesOf(events)) tracks.set(slice.tid, [...(tracks.get(slice.tid) ?? []), slice]);
  const around = ({ tid, ts }: TraceEvent): TraceEvent[] =>
    (tracks.get(tid) ?? []).filter((slice) => ns(slice.ts) <= ns(ts) && ns(ts) < ns(slice.ts) + ns(slice.dur));
  for (const end of ends) {
    const start = starts.get(end.id) as TraceEvent;
    assert.ok(ns(start.ts) <= ns(end.ts));
    const lock = (event: TraceEvent, what: string): unknown[] =>
      around(event)
        .filter(({ cat }) => cat === what)
        .map(({ args }) => args?.id);
    assert.ok(
      lock(start, "hold").some((id) => lock(end, "wait").includes(id)),
      "from a hold to a wait for the same lock",
    );
  }
  return ends.length;
}

test("every event is as the format wants it, slices nest, arrows lie within them", () => {
  for (const profile of [hotProfile(), hostileProfile(), largeProfile(60, 16, 2000), emptyProfile()]) {
    const trace = JSON.parse(JSON.stringify(chromeTrace(profile))) as ReturnType<typeof chromeTrace>;
    trace.traceEvents.forEach(checkEvent);
    checkNesting(trace.traceEvents);
    checkFlows(trace.traceEvents);
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
