// The profile as pprof files, which `go tool pprof`, speedscope and others open. As in Go, a mutex profile blames who
// held the lock, a block profile blames who waited; both count contentions and the delay in nanoseconds.
//
// Invariant: the sums of both files are the sums over the profile's sites: every site is in both, one whose holder is
// not known under "(unknown)". Equal profiles give equal files.

import { gzipSync } from "node:zlib";
import type { Frame, Profile } from "../types.ts";
import { Message } from "./protobuf.ts";
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

/** Texts, each once, by number; 0 is the empty one, as the format wants it. */
class Texts {
  readonly #numbers = new Map<string, number>([["", 0]]);

  at(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(text, number);
    }
    return number;
  }

  all(): Iterable<string> {
    return this.#numbers.keys();
  }
}

// The numbers of the fields are those of github.com/google/pprof/blob/main/proto/profile.proto.

/** Functions and locations, each once, numbered from 1 as the format wants it. */
class Places {
  readonly functions: Message[] = [];
  readonly locations: Message[] = [];
  readonly #texts: Texts;
  readonly #functionAt = new Map<string, number>();
  readonly #locationAt = new Map<string, number>();

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  location({ name, file, line, column }: Frame): number {
    const functionId = this.#function(printable(name) || "(anonymous)", printable(file));
    const key = `${functionId} ${line} ${column}`;
    let id = this.#locationAt.get(key);
    if (id === undefined) {
      id = this.locations.length + 1;
      const lines = new Message().number(1, functionId).number(2, line).number(3, column);
      this.locations.push(new Message().number(1, id).number(2, 1).message(4, lines));
      this.#locationAt.set(key, id);
    }
    return id;
  }

  #function(name: string, file: string): number {
    const key = JSON.stringify([name, file]);
    let id = this.#functionAt.get(key);
    if (id === undefined) {
      id = this.functions.length + 1;
      const text = this.#texts.at(name);
      const filename = this.#texts.at(file);
      this.functions.push(new Message().number(1, id).number(2, text).number(3, text).number(4, filename));
      this.#functionAt.set(key, id);
    }
    return id;
  }
}

function encode(profile: Profile, side: "holder" | "waiter"): Uint8Array {
  const texts = new Texts();
  const places = new Places(texts);
  const file = new Message();
  const valueType = (type: string, unit: string): Message =>
    new Message().number(1, texts.at(type)).number(2, texts.at(unit));
  const contentions = valueType("contentions", "count");
  file.message(1, contentions).message(1, valueType("delay", "nanoseconds"));
  for (const lock of profile.locks) {
    const sites = profile.sites.filter((site) => site.lock === lock.id);
    const label = new Message().number(1, texts.at("lock")).number(2, texts.at(titleOf(lock)));
    for (const { stack, waits, wait } of groupSites(sites, side)) {
      const locations = (stack.length === 0 ? UNKNOWN : stack).map((frame) => places.location(frame));
      const values = [Math.round(waits), Math.round(wait)];
      file.message(2, new Message().numbers(1, locations).numbers(2, values).message(3, label));
    }
  }
  // With a mapping that has it all (functions, file names, lines), no tool looks for a binary to take symbols from.
  file.message(3, new Message().number(1, 1).number(5, texts.at("javascript")).number(7, 1).number(8, 1).number(9, 1));
  for (const location of places.locations) file.message(4, location);
  for (const place of places.functions) file.message(5, place);
  const preferred = texts.at("delay");
  for (const text of texts.all()) file.text(6, text);
  file
    .big(9, BigInt(Math.round(profile.startedAt)) * 1_000_000n)
    .number(10, Math.round(profile.duration))
    .message(11, contentions)
    .number(12, profile.sampleEvery)
    .number(14, preferred);
  return gzipSync(file.bytes());
}

/**
 * The profile's call sites as two pprof files: open them with `go tool pprof -top FILE` or in speedscope. Waits without
 * a call site are in neither. Each sample has the lock's name as its label `lock`. Needs Node's zlib.
 */
export function pprofFiles(profile: Profile): PprofFiles {
  return { mutex: encode(profile, "holder"), block: encode(profile, "waiter") };
}
