// The profile as pprof files, which `go tool pprof`, speedscope and others open. As in Go, a mutex profile blames who
// held the lock, a block profile blames who waited; both count contentions and the delay in nanoseconds.
//
// Invariant: the sums of both files are the sums over the profile's sites: every site is in both, one whose holder is
// not known under "(unknown)". Equal profiles give equal files.

import { gzipSync } from "node:zlib";
import {
  Label,
  Line,
  Location,
  Mapping,
  Function as PprofFunction,
  Profile as PprofProfile,
  Sample,
  StringTable,
  ValueType,
} from "pprof-format";
import type { Frame, Profile } from "../types.ts";
import { groupSites, titleOf } from "./summary.ts";
import { printable } from "./units.ts";

/** Both files, gzipped as pprof wants them. */
export interface PprofFiles {
  /** Stacks of those who held the locks. */
  readonly mutex: Uint8Array;
  /** Stacks of those who waited. */
  readonly block: Uint8Array;
}

const UNKNOWN: readonly Frame[] = [{ name: "(unknown)", file: "", line: 0, column: 0 }];

/** Functions and locations, each once, numbered from 1 as the format wants it. */
class Places {
  readonly functions: PprofFunction[] = [];
  readonly locations: Location[] = [];
  readonly #strings: StringTable;
  readonly #functionAt = new Map<string, number>();
  readonly #locationAt = new Map<string, number>();

  constructor(strings: StringTable) {
    this.#strings = strings;
  }

  location({ name, file, line, column }: Frame): number {
    const functionId = this.#function(printable(name) || "(anonymous)", printable(file));
    const key = `${functionId} ${line} ${column}`;
    let id = this.#locationAt.get(key);
    if (id === undefined) {
      id = this.locations.length + 1;
      this.locations.push(new Location({ id, mappingId: 1, line: [new Line({ functionId, line, column })] }));
      this.#locationAt.set(key, id);
    }
    return id;
  }

  #function(name: string, file: string): number {
    const key = JSON.stringify([name, file]);
    let id = this.#functionAt.get(key);
    if (id === undefined) {
      id = this.functions.length + 1;
      const text = this.#strings.dedup(name);
      const filename = this.#strings.dedup(file);
      this.functions.push(new PprofFunction({ id, name: text, systemName: text, filename }));
      this.#functionAt.set(key, id);
    }
    return id;
  }
}

function encode(profile: Profile, side: "holder" | "waiter"): Uint8Array {
  const strings = new StringTable();
  const text = (value: string): number => strings.dedup(value);
  const places = new Places(strings);
  const titles = new Map(profile.locks.map((lock) => [lock.id, titleOf(lock)]));
  const sample = profile.locks.flatMap(({ id }) => {
    const sites = profile.sites.filter(({ lock }) => lock === id);
    const label = new Label({ key: text("lock"), str: text(titles.get(id) ?? id) });
    return groupSites(sites, side).map(({ stack, waits, wait }) => {
      const locationId = (stack.length === 0 ? UNKNOWN : stack).map((frame) => places.location(frame));
      return new Sample({ locationId, value: [Math.round(waits), Math.round(wait)], label: [label] });
    });
  });
  const contentions = new ValueType({ type: text("contentions"), unit: text("count") });
  const delay = new ValueType({ type: text("delay"), unit: text("nanoseconds") });
  // With a mapping that has it all, no tool looks for a binary to take symbols from.
  const mapping = new Mapping({
    id: 1,
    filename: text("javascript"),
    hasFunctions: true,
    hasFilenames: true,
    hasLineNumbers: true,
  });
  const encoded = new PprofProfile({
    sampleType: [contentions, delay],
    sample,
    mapping: [mapping],
    location: places.locations,
    function: places.functions,
    timeNanos: BigInt(Math.round(profile.startedAt)) * 1_000_000n,
    durationNanos: Math.round(profile.duration),
    periodType: contentions,
    period: profile.sampleEvery,
    defaultSampleType: text("delay"),
    stringTable: strings,
  }).encode();
  return gzipSync(encoded);
}

/**
 * The profile's call sites as two pprof files: open them with `go tool pprof -top FILE` or in speedscope. Waits without
 * a call site are in neither. Each sample has the lock's name as its label `lock`. Needs Node's zlib.
 */
export function pprofFiles(profile: Profile): PprofFiles {
  return { mutex: encode(profile, "holder"), block: encode(profile, "waiter") };
}
