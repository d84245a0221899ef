// How long one insertion may take while a map grows from its first thousand entries to a million: in a process of its own,
// whose code is as cold as that of any program that begins. The mean, and the longest of all insertions. Keys are made
// beforehand, some at a time, and what they and the clocks leave to the garbage collector is collected between insertions,
// by a call: so an insertion pays for garbage of its own only. Of the longest it is told which entry it was, and whether
// the collector ran in it.
//
// Where the system tells (Linux), the time is counted in which the thread was ready but another program had the processor,
// and the longest insertion is given with and without it: on a busy machine that is the longest of all pauses.

import { execFile } from "node:child_process";
import { openSync, readSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { Region } from "../src/index.ts";
import { SharedMap } from "../src/tables/index.ts";
import { duration } from "./report.ts";
import { type Effort, median, quantile, type Run, type Suite, spreadOf } from "./result.ts";

const FIRST = 1000;
const LAST = 1_000_000;
const PAUSE_MS = 5;
/** Keys that are made at a time. */
const KEYS = 1000;
const PROCESS_MS = 120_000;
const SUBJECTS = ["floor-map", "holdfast", "holdfast-js"];

/** What one process came to; times in nanoseconds. */
interface Growth {
  readonly mean: number;
  readonly p50: number;
  readonly p999: number;
  readonly p9999: number;
  /** The longest insertion, which entry it was, and how many took more than PAUSE_MS. */
  readonly longest: number;
  readonly entry: number;
  readonly pauses: number;
  /** Collections of garbage within insertions, and whether there was one within the longest. */
  readonly collections: number;
  readonly collecting: boolean;
  /** The same without the time in which another program ran instead; undefined where the system does not tell. */
  readonly own: { readonly longest: number; readonly pauses: number } | undefined;
  readonly bytes: string;
}

/** Nanoseconds for which this thread was ready to run and did not, since it began; undefined where nobody tells. */
function waitedFor(): (() => number) | undefined {
  let file: number;
  try {
    file = openSync("/proc/thread-self/schedstat", "r");
  } catch {
    return undefined;
  }
  const bytes = Buffer.alloc(128);
  return () => {
    const length = readSync(file, bytes, 0, bytes.length, 0);
    let at = bytes.indexOf(0x20) + 1;
    let value = 0;
    // Digit by digit: a string each time would be garbage that is collected within the insertions.
    for (; at < length && bytes[at] >= 0x30; at++) value = value * 10 + bytes[at] - 0x30;
    return value;
  };
}

interface Store {
  set(key: string, value: string): unknown;
}

/** The collections of garbage from now on, on the clock of `performance.now()`; to be asked a while after the last. */
function collections(): () => { readonly begun: number; readonly took: number }[] {
  const seen: { begun: number; took: number }[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration: took } of list.getEntries()) seen.push({ begun: startTime, took });
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => seen;
}

async function grow(subject: string, last: number): Promise<Growth> {
  const collect = (globalThis as { gc?: (how: { type: "minor" }) => void }).gc ?? (() => undefined);
  const collected = collections();
  const shared = subject === "floor-map" ? undefined : new SharedMap({ region: Region.create() });
  const map: Store = shared ?? new Map<string, string>();
  const keyOf = (i: number): string => `+1555${1_000_000 + i * 37}`;
  for (let i = 0; i < FIRST; i++) map.set(keyOf(i), "Alice Example");
  const times = new Float64Array(last - FIRST);
  const own = new Float64Array(last - FIRST);
  const starts = new Float64Array(last - FIRST);
  const waited = waitedFor();
  const keys: string[] = [];
  for (let from = FIRST; from < last; from += KEYS) {
    for (let k = 0; k < KEYS; k++) keys[k] = keyOf(from + k);
    collect({ type: "minor" });
    let before = waited?.() ?? 0;
    for (let i = from; i < Math.min(from + KEYS, last); i++) {
      const key = keys[i - from];
      const begun = performance.now();
      map.set(key, "Alice Example");
      const elapsed = (performance.now() - begun) * 1e6;
      const now = waited?.() ?? 0;
      starts[i - FIRST] = begun;
      times[i - FIRST] = elapsed;
      own[i - FIRST] = Math.max(0, elapsed - (now - before));
      before = now;
    }
  }
  const pauses = (of: Float64Array): number => of.reduce((sum, time) => sum + (time > PAUSE_MS * 1e6 ? 1 : 0), 0);
  const longest = (of: Float64Array): number => of.reduce((most, time) => Math.max(most, time), 0);
  // The observer is told of collections from the event loop.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const within = (i: number): boolean =>
    collected().some(({ begun, took }) => begun < starts[i] + times[i] / 1e6 && begun + took > starts[i]);
  const most = times.indexOf(longest(times));
  const sorted = Array.from(times).sort((a, b) => a - b);
  return {
    mean: times.reduce((sum, time) => sum + time, 0) / times.length,
    p50: quantile(sorted, 0.5),
    p999: quantile(sorted, 0.999),
    p9999: quantile(sorted, 0.9999),
    longest: longest(times),
    entry: most + FIRST,
    collections: countWithin(collected(), starts, times),
    collecting: within(most),
    pauses: pauses(times),
    own: waited === undefined ? undefined : { longest: longest(own), pauses: pauses(own) },
    bytes: shared === undefined ? "" : bytesOf(shared, last),
  };
}

/** How many of the collections fell into an insertion; all are in order of time. */
function countWithin(
  collected: readonly { begun: number; took: number }[],
  starts: Float64Array,
  times: Float64Array,
): number {
  let count = 0;
  let i = 0;
  for (const { begun } of collected) {
    while (i < starts.length && starts[i] + times[i] / 1e6 < begun) i++;
    if (i < starts.length && starts[i] <= begun) count++;
  }
  return count;
}

/** Bytes an entry takes beyond those of its key and value. */
function bytesOf(map: SharedMap, count: number): string {
  const { bytesUsed, bytesFree, bytesIndex, load } = map.stats();
  const payload = count * ("+15551000000".length + "Alice Example".length);
  const [held, all] = [bytesUsed + bytesIndex, bytesUsed + bytesIndex + bytesFree].map((n) => (n - payload) / count);
  return `${held.toFixed(1)} bytes an entry beyond key and value at load ${load.toFixed(2)}, ${all.toFixed(1)} with room to spare`;
}

function inProcess(subject: string, last: number): Promise<Growth> {
  const args = ["--expose-gc", fileURLToPath(import.meta.url), subject, String(last)];
  const env = subject === "holdfast-js" ? { ...process.env, HOLDFAST_WASM: "0" } : process.env;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: PROCESS_MS, killSignal: "SIGKILL", env }, (error, stdout) => {
      if (error === null) resolve(JSON.parse(stdout) as Growth);
      else reject(error);
    });
  });
}

async function growth(effort: Effort): Promise<Run[]> {
  const last = effort.quick ? 20_000 : LAST;
  const seen = new Map<string, Growth[]>(SUBJECTS.map((subject) => [subject, []]));
  for (let round = 0; round < Math.min(effort.rounds, 3); round++) {
    for (const subject of SUBJECTS) seen.get(subject)?.push(await inProcess(subject, last));
  }
  return SUBJECTS.map((subject) => {
    const all = seen.get(subject) ?? [];
    for (const one of all) process.stdout.write(`growth: ${subject}: ${say(one)}\n`);
    const nsPerOp = median(all.map(({ mean }) => mean));
    return {
      suite: "growth",
      case: `${FIRST} to ${last} entries, an entry`,
      subject,
      workers: 1,
      nsPerOp,
      opsPerSecond: 1e9 / nsPerOp,
      p50: median(all.map(({ p50 }) => p50)),
      p99: median(all.map(({ p999 }) => p999)),
      max: Math.max(...all.map(({ longest, own }) => own?.longest ?? longest)),
      spread: spreadOf(all.map(({ mean }) => mean)),
    };
  });
}

function say(growth: Growth): string {
  const { longest, entry, collecting, collections, pauses, own, p999, p9999, bytes } = growth;
  const when = `entry ${entry}${collecting ? ", with a collection of garbage" : ""}`;
  const rest = `p99.9 ${duration(p999)}, p99.99 ${duration(p9999)}, ${collections} collections within insertions`;
  const whole = `longest ${duration(longest)} (${when}), ${pauses} over ${PAUSE_MS} ms, ${rest}`;
  const mine = own && `; without the time other programs had: longest ${duration(own.longest)}, ${own.pauses} over`;
  return `${whole}${mine ?? ""}${bytes === "" ? "" : `; ${bytes}`}`;
}

export const suites: Suite[] = [{ name: "growth", yardstick: "floor-map", run: growth }];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [subject, last] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await grow(subject, Number(last))));
}
