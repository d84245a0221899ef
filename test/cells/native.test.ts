// The native part's interface: what it refuses, and the variable that turns it off or demands it.

import { execFileSync } from "node:child_process";
import * as assert from "uvu/assert";
import { nativePart } from "../../src/cells/native.ts";
import { suite } from "../support/suite.ts";

const test = suite("native part");
const native = nativePart();
const here = new URL("../../src/cells/native.js", import.meta.url).href;

/** What a process with these settings prints. */
function inProcess(body: string, wish: string): string {
  const code = `import { nativePart, prefersNative } from ${JSON.stringify(here)};
    try { ${body} } catch (error) { console.log(error.code, error.message); }`;
  const env = { ...process.env, HOLDFAST_NATIVE: wish };
  return execFileSync(process.execPath, ["--input-type=module", "-e", code], { env, encoding: "utf8" }).trim();
}

test("HOLDFAST_NATIVE=0 turns it off", () => {
  assert.is(inProcess("console.log(nativePart(), prefersNative())", "0"), "undefined false");
});

const elsewhere = 'Object.defineProperty(process, "platform", { value: "plan9" });';

test("where there is none, it is absent in silence", () => {
  assert.is(inProcess(`${elsewhere} console.log(nativePart(), prefersNative())`, ""), "undefined false");
});

test("where there is none and HOLDFAST_NATIVE=1 demands it, the error says what is missing", () => {
  const told = inProcess(`${elsewhere} nativePart()`, "1");
  assert.match(told, /^ERR_REGION_NATIVE HOLDFAST_NATIVE=1 demands .*no package holdfast-plan9-/);
});

if (native === undefined) {
  console.log("skipped: the native part is not built (npm run build:native)");
} else {
  const calls: [string, (words: unknown, index: unknown) => unknown][] = [
    ["park", (words, index) => native.park(words as Int32Array, index as number, 1, 0, 0, 1, true, false)],
    [
      "park's count of deaths",
      (words, index) => native.park(words as Int32Array, 0, 1, index as number, 0, 1, true, false),
    ],
    ["wake", (words, index) => native.wake(words as Int32Array, index as number)],
    ["requeue from", (words, index) => native.requeue(words as Int32Array, index as number, 0, true)],
    ["requeue to", (words, index) => native.requeue(words as Int32Array, 0, index as number, true)],
    ["watch", (words, index) => native.watch(words as Int32Array, index as number, 1, 2, 0, 0, 1, 1)],
    ["watch's slots", (words, index) => native.watch(words as Int32Array, 0, 1, 2, 0, index as number, 1, 1)],
  ];
  const shared = new SharedArrayBuffer(64);
  const resizable = new SharedArrayBuffer(64, { maxByteLength: 128 });

  for (const [name, call] of calls) {
    test(`${name} takes shared words only`, () => {
      const others = [undefined, null, 1, "words", {}, [], shared, new Int32Array(16), new DataView(shared)];
      const arrays = [
        new Uint32Array(shared),
        new Float64Array(shared),
        new BigInt64Array(shared),
        Buffer.from(shared),
      ];
      for (const words of [...others, ...arrays])
        assert.throws(
          () => call(words, 0),
          (error: Error) => error instanceof TypeError,
        );
    });

    test(`${name} takes indices of these words only`, () => {
      const words = new Int32Array(shared, 4, 8);
      for (const index of [
        -1,
        8,
        0.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        -Infinity,
        2 ** 32,
        2 ** 53,
        2 ** 64,
        1e300,
      ]) {
        assert.throws(
          () => call(words, index),
          (error: Error) => error instanceof TypeError,
          String(index),
        );
      }
      assert.throws(
        () => call(new Int32Array(shared, 0, 0), 0),
        (error: Error) => error instanceof TypeError,
      );
      for (const index of ["0", {}, 0n, undefined, null, true, Symbol("0")]) {
        assert.throws(
          () => call(words, index),
          (error: Error) => error instanceof TypeError,
        );
      }
    });

    test(`${name} takes the words that a growing buffer has at the moment`, () => {
      const words = new Int32Array(resizable);
      assert.throws(
        () => call(words, words.length),
        (error: Error) => error instanceof TypeError,
      );
    });
  }

  test("words that are not aligned are no words", () => {
    assert.throws(
      () => new Int32Array(shared, 2, 4),
      (error: Error) => error instanceof RangeError,
    );
    const bytes = new Uint8Array(shared, 2, 16);
    for (const [name, call] of calls) {
      assert.throws(
        () => call(bytes, 0),
        (error: Error) => error instanceof TypeError,
        name,
      );
    }
  });

  test("arguments of another type are refused", () => {
    const words = new Int32Array(shared);
    const good: unknown[] = [words, 0, 1, 1, 0, 1, true, false];
    const park = native.park as (...args: unknown[]) => number;
    assert.is(park(...good), 2);
    for (let at = 0; at < good.length; at++) {
      for (const other of ["1", {}, 1n, undefined, at >= 6 ? 1 : false]) {
        assert.throws(
          () => park(...good.with(at, other)),
          (error: Error) => error instanceof TypeError,
          `argument ${at}: ${String(other)}`,
        );
      }
    }
    const others = [
      () => native.wake(words, 0, "all" as unknown as number),
      () => native.requeue(words, 0, 1, 1 as unknown as boolean),
      () => native.watch(words, 0, 1, 2, 0, 0, 1, {} as number),
      () => native.unwatch("1" as unknown as number),
    ];
    for (const call of others) assert.throws(call, (error: Error) => error instanceof TypeError);
  });

  test("a watch beyond the words is refused, whatever its numbers", () => {
    const words = new Int32Array(shared);
    for (const [stride, slots] of [
      [2 ** 32 - 1, 2 ** 32 - 1],
      [4, 5],
      [17, 1],
    ]) {
      assert.throws(
        () => native.watch(words, 0, 1, 2, 0, 0, stride, slots),
        (error: Error) => error instanceof TypeError,
      );
    }
    native.unwatch(native.watch(words, 0, 1, 2, 0, 0, 4, 4));
    native.unwatch(12345);
  });

  test("the copy's number is one, and never 0", () => {
    assert.ok(native.instance() > 0);
    assert.is(native.instance(), native.instance());
  });
}

test.run();
