// The sampled waits and holds as Chrome trace JSON, which Perfetto (ui.perfetto.dev) and chrome://tracing open: a track for
// each thread, and an arrow from a hold to the wait that it was the last to keep waiting.
//
// Invariant: slices of one track nest. Locks given back in another order than taken overlap without nesting; such a slice
// goes to a further track of its thread, as viewers drop it otherwise. An arrow's ends lie within their slices.

import type { Profile, Span } from "../types.ts";
import { titleOf } from "./summary.ts";
import { printable } from "./units.ts";

/** One event, as "Trace Event Format" has it; times in microseconds. */
export interface TraceEvent {
  /** M: names a track; X: a slice; s and f: start and end of an arrow. */
  readonly ph: "M" | "X" | "s" | "f";
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number;
  readonly bp?: "e";
  readonly args?: Readonly<Record<string, string | number>>;
}

/** A trace in its JSON object form. */
export interface ChromeTrace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: "ns";
  readonly otherData: Readonly<Record<string, string | number>>;
}

const PID = 1;
/** Added to a track's number for each further track of its thread. */
const NEXT_LANE = 100_000;
const micro = (ns: number): number => Math.round(ns) / 1000;

interface Placed extends Span {
  readonly end: number;
  readonly tid: number;
}

/** Gives each span of one thread a track on which it nests. */
function placeSpans(spans: readonly Span[], tid: number): Placed[] {
  const lanes: Placed[][] = [];
  const sorted = spans.map((span) => ({
    ...span,
    start: Math.round(span.start),
    end: Math.round(span.start + span.length),
  }));
  sorted.sort((a, b) => a.start - b.start || b.end - a.end);
  return sorted.map((span) => {
    let lane = 0;
    while (!fits((lanes[lane] ??= []), span)) lane++;
    const placed = { ...span, tid: tid + lane * NEXT_LANE };
    lanes[lane].push(placed);
    return placed;
  });
}

/** Whether the span nests in those open on the track, once those that have ended by then are taken off. */
function fits(open: Placed[], { start, end }: Pick<Placed, "start" | "end">): boolean {
  while (open.length > 0 && open[open.length - 1].end <= start) open.pop();
  return open.length === 0 || end <= open[open.length - 1].end;
}

/** For each wait, the hold of its lock by another thread that ended last within it, or lasted beyond. */
function holdersOf(spans: readonly Placed[]): [Placed, Placed][] {
  const holds = new Map<string, Placed[]>();
  for (const span of spans) {
    if (span.what === "hold") holds.set(span.lock, [...(holds.get(span.lock) ?? []), span]);
  }
  for (const of of holds.values()) of.sort((a, b) => a.start - b.start);
  return spans.flatMap((wait): [Placed, Placed][] => {
    if (wait.what !== "wait") return [];
    const of = holds.get(wait.lock) ?? [];
    // Of those that began before the wait ended, the latest one of another thread.
    let at = firstFrom(of, wait.end) - 1;
    while (at >= 0 && of[at].thread === wait.thread) at--;
    const hold = of[at];
    return hold !== undefined && meeting(hold, wait) !== undefined ? [[hold, wait]] : [];
  });
}

/** Index of the first span that starts at that time or later. */
function firstFrom(spans: readonly Placed[], time: number): number {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle].start < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The last ns that both spans have. */
function meeting(a: Placed, b: Placed): number | undefined {
  const last = Math.min(a.end, b.end) - 1;
  return last >= Math.max(a.start, b.start) ? last : undefined;
}

function tracks(profile: Profile, used: ReadonlySet<number>): TraceEvent[] {
  const process: TraceEvent = { ph: "M", name: "process_name", pid: PID, tid: 0, args: { name: "holdfast locks" } };
  const named = [...used]
    .sort((a, b) => a - b)
    .flatMap((tid): TraceEvent[] => {
      const index = (tid % NEXT_LANE) - 1;
      const lane = Math.floor(tid / NEXT_LANE);
      const { name, thread } = profile.threads[index];
      const text = printable(name) || `thread ${thread}`;
      const order = index * 100 + lane;
      return [
        {
          ph: "M",
          name: "thread_name",
          pid: PID,
          tid,
          args: { name: lane === 0 ? text : `${text} (overlapping ${lane})` },
        },
        { ph: "M", name: "thread_sort_index", pid: PID, tid, args: { sort_index: order } },
      ];
    });
  return [process, ...named];
}

/** The profile's spans as a Chrome trace: `JSON.stringify` it into a file and open that at ui.perfetto.dev. */
export function chromeTrace(profile: Profile): ChromeTrace {
  const titles = new Map(profile.locks.map((lock) => [lock.id, titleOf(lock)]));
  const byThread = new Map<number, Span[]>(profile.threads.map(({ thread }) => [thread, []]));
  for (const span of profile.spans) byThread.get(span.thread)?.push(span);
  const spans = [...byThread.values()].flatMap((of, index) => placeSpans(of, index + 1));
  const slices = spans.map(({ what, lock, tid, start, end }): TraceEvent => {
    const title = titles.get(lock) ?? lock;
    const name = `${what} ${title}`;
    return {
      ph: "X",
      cat: what,
      name,
      pid: PID,
      tid,
      ts: micro(start),
      dur: micro(end - start),
      args: { lock: title, id: lock },
    };
  });
  const arrows = holdersOf(spans).flatMap(([hold, wait], id): TraceEvent[] => {
    const common = { name: "blocks", cat: "blocks", id: id + 1, pid: PID, ts: micro(meeting(hold, wait) as number) };
    return [
      { ...common, ph: "s", tid: hold.tid },
      { ...common, ph: "f", bp: "e", tid: wait.tid },
    ];
  });
  const used = new Set([...profile.threads.map((_, index) => index + 1), ...spans.map(({ tid }) => tid)]);
  return {
    traceEvents: [...tracks(profile, used), ...slices, ...arrows],
    displayTimeUnit: "ns",
    otherData: { source: "holdfast", startedAt: new Date(profile.startedAt).toISOString(), dropped: profile.dropped },
  };
}
