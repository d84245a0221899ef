// Arguments that no method is made for, each with a name for messages.

import { Region } from "../../src/region/region.ts";
import { SharedMap } from "../../src/tables/map.ts";

/** What is thrown by code of the caller's: it must come through as it is. */
export class OwnError extends Error {}

function refuse(): never {
  throw new OwnError("the caller's own");
}

const trap = new Proxy({}, { get: refuse, has: refuse, ownKeys: refuse, getOwnPropertyDescriptor: refuse });
/** More bytes than a key or a value may have. */
const long = "€".repeat(400_000);
const elsewhere = Region.create({ byteLength: 1 << 18, maxThreads: 4 });
const foreign = new SharedMap({ region: elsewhere });
const freed = new SharedMap({ region: elsewhere });
const freedHandle = freed.share();
freed.free();

export const hostile: readonly (readonly [string, unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["NaN", Number.NaN],
  ["-1", -1],
  ["1.5", 1.5],
  ["2^40", 2 ** 40],
  ["-0", -0],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["a bigint", 7n],
  ["a bigint of 80 bits", 2n ** 80n],
  ["true", true],
  ["a symbol", Symbol("hostile")],
  ["a string", "timeout"],
  ["a long string", long],
  ["a function", () => "result"],
  ["an object", {}],
  ["an object without prototype", Object.create(null)],
  ["an array", [1, "a"]],
  ["an array of symbols", [Symbol("a")]],
  [
    "getters that throw",
    {
      get timeout() {
        return refuse();
      },
      get holdfast() {
        return refuse();
      },
      get n() {
        return refuse();
      },
      get region() {
        return refuse();
      },
      get capacity() {
        return refuse();
      },
      get from() {
        return refuse();
      },
    },
  ],
  ["conversions that throw", { valueOf: refuse, toString: refuse, [Symbol.toPrimitive]: refuse }],
  ["an iterable that throws", { [Symbol.iterator]: refuse }],
  ["an object of which everything throws", trap],
  ["a promise", Promise.resolve(1)],
  ["a date", new Date(0)],
  [
    "bad options",
    { timeout: "soon", capacity: -5, region: 5, from: -1, signal: 5, name: 5, key: 5, columns: 5, maxBytes: "x" },
  ],
  [
    "options that are symbols",
    {
      timeout: Symbol("t"),
      capacity: Symbol("c"),
      region: Symbol("r"),
      from: Symbol("f"),
      signal: Symbol("s"),
      name: Symbol("n"),
      key: Symbol("k"),
      columns: Symbol("c"),
      maxBytes: Symbol("m"),
    },
  ],
  [
    "options that are null",
    {
      timeout: null,
      capacity: null,
      region: null,
      from: null,
      signal: null,
      name: null,
      key: null,
      columns: null,
      maxBytes: null,
    },
  ],
  ["another class's object", foreign],
  ["another region's handle", foreign.share()],
  ["a freed object", freed],
  ["a freed object's handle", freedHandle],
  [
    "a handle that is a lie",
    { ...foreign.share(), table: { holdfast: "table", region: elsewhere.share(), offset: 64, serial: 1 } },
  ],
  ["a handle of the kind with nonsense", { holdfast: "table", region: 5, offset: -1, serial: "x", table: 5 }],
];
