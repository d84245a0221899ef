// A trace against the format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU and what
// Perfetto's importer asks beyond it (slices of a track nest, both ends of a flow lie within a slice).

import * as assert from "uvu/assert";
import type { ChromeTrace, TraceEvent } from "../../src/profile/render/trace.ts";

/** Nanoseconds again, as sums of fractions of microseconds are not exact. */
export const ns = (micro: number | undefined): number => Math.round((micro ?? Number.NaN) * 1000);
export const slicesOf = (events: readonly TraceEvent[]): TraceEvent[] => events.filter(({ ph }) => ph === "X");

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

export function checkNesting(events: readonly TraceEvent[]): void {
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

export function checkFlows(events: readonly TraceEvent[]): number {
  const starts = new Map(events.filter(({ ph }) => ph === "s").map((event) => [event.id, event]));
  const ends = events.filter(({ ph }) => ph === "f");
  assert.is(starts.size, ends.length);
  assert.is(new Set(ends.map(({ id }) => id)).size, ends.length, "an arrow has one end");
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

/** Every event is as the format wants it, slices nest, arrows lie within them: how many arrows there are. */
export function checkTrace(trace: ChromeTrace): number {
  const { traceEvents, displayTimeUnit } = JSON.parse(JSON.stringify(trace)) as ChromeTrace;
  assert.is(displayTimeUnit, "ns");
  traceEvents.forEach(checkEvent);
  checkNesting(traceEvents);
  return checkFlows(traceEvents);
}
