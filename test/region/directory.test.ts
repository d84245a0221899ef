// Names: any string, one object a name, and no name left behind by a thread that dies.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { Mutex } from "../../src/locks/mutex.ts";
import { RETIRED, renew, retire } from "../../src/protocols/mutex.ts";
import { H_DIRECTORY, H_DIRECTORY_LOCK, KIND_MUTEX, KIND_RAW } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { anotherThread, bury, crashAt } from "../support/crash.ts";
import { suite } from "../support/suite.ts";
import { codeOf, thrown } from "../support/thrown.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("directory");
const small = (): Region => Region.over(new SharedArrayBuffer(128 << 10));
const place = (region: Region, name: string): number =>
  region.findOrCreate(name, KIND_RAW, () => region.allocate(32, KIND_RAW));

test("any UTF-16 string of 1 to 256 units is a name, and is read back as it was", () => {
  const name = fc.string({ unit: "binary", minLength: 1, maxLength: 100 });
  const units = fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 256 }).map((all) => String.fromCharCode(...all));
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(name, units), { maxLength: 20 }), (names) => {
      const region = Region.over(new SharedArrayBuffer(256 << 10));
      const offsets = names.map((name) => place(region, name));
      assert.is(new Set(offsets).size, names.length);
      names.forEach((name, k) => {
        assert.is(place(region, name), offsets[k]);
        assert.is(region.nameOf(offsets[k]), name);
      });
      assert.equal(
        region
          .names()
          .map(({ name }) => name)
          .sort(),
        [...names].sort(),
      );
    }),
    { numRuns: 50 },
  );
});

test("lone surrogates, NUL, and names that differ in the last unit only are different names", () => {
  const region = small();
  const names = ["\ud800", "\udc00", "\0", "\0\0", "a", "a\0", "é", "e\u0301", "x".repeat(256), `${"x".repeat(255)}y`];
  const offsets = new Set(names.map((name) => place(region, name)));
  assert.is(offsets.size, names.length);
});

test("what is no name is refused before anything changes", () => {
  const region = small();
  const before = region.stats();
  assert.is(
    codeOf(() => place(region, "")),
    "RangeError",
  );
  assert.is(
    codeOf(() => place(region, "x".repeat(257))),
    "RangeError",
  );
  for (const name of [null, 5, {}, Symbol("name")]) {
    assert.is(
      codeOf(() => place(region, name as unknown as string)),
      "TypeError",
    );
  }
  assert.equal(region.stats(), before);
  assert.equal(region.names(), []);
});

test("a name means one kind of object", () => {
  const region = small();
  place(region, "taken");
  const error = thrown(() => region.findOrCreate("taken", KIND_MUTEX, () => 0));
  assert.is(error.code, "ERR_REGION_KIND");
  assert.is(error.message, '"taken" is the name of a raw block in this region, not of a Mutex');
  assert.equal(error.info, { name: "taken", expected: "Mutex", found: "raw block" });
  assert.is(region.memory.words[H_DIRECTORY_LOCK], 0);
});

test("5,000 names are all found, and all gone once removed", () => {
  const region = Region.create();
  const offsets = Array.from({ length: 5000 }, (_, k) => place(region, `name ${k}`));
  for (let k = 0; k < 5000; k += 7) assert.is(place(region, `name ${k}`), offsets[k]);
  assert.is(region.names().length, 5000);
  for (const offset of offsets) region.remove(offset, () => undefined);
  assert.is(region.names().length, 0);
  assert.is(region.stats().bytesUsed, 0);
  assert.ok(region.memory.words.subarray(H_DIRECTORY, H_DIRECTORY + 128).every((head) => head === 0));
});

test("a removal that is refused, and a creation that fails, leave everything as it was", () => {
  const region = small();
  const offset = place(region, "kept");
  const before = region.stats().bytesUsed;
  const refuse = (): never => {
    throw new Error("no");
  };
  assert.is(thrown(() => region.remove(offset, refuse)).message, "no");
  assert.is(thrown(() => region.findOrCreate("other", KIND_RAW, refuse)).message, "no");
  assert.is(place(region, "kept"), offset);
  assert.is(region.stats().bytesUsed, before);
  assert.is(region.memory.words[H_DIRECTORY_LOCK], 0);
});

test("no room for the name: the object made for it is given back", () => {
  const region = small();
  while (region.stats().bytesLeft > 256) region.allocate(0, KIND_RAW);
  const before = region.stats();
  assert.is(
    codeOf(() => place(region, "x".repeat(256))),
    "ERR_REGION_FULL",
  );
  assert.is(region.stats().bytesUsed, before.bytesUsed);
  assert.equal(region.names(), []);
});

test("a thread that asks for a name from within the making of another gets an error, not a hang", () => {
  const region = small();
  assert.is(
    codeOf(() => region.findOrCreate("outer", KIND_RAW, () => place(region, "inner"))),
    "ERR_WOULD_DEADLOCK",
  );
});

test("8 workers that ask for the same names at once get the same objects", async () => {
  const region = Region.create();
  const outcomes = await runWorkers<number[]>({
    file: new URL("./region.worker.js", import.meta.url),
    count: 8,
    workerData: { behaviour: "names", region: region.share() },
  });
  for (const { result } of outcomes) assert.equal(result, outcomes[0].result);
  assert.is(region.names().length, 200);
});

function makeNamed(region: Region): void {
  region.findOrCreate("name", KIND_MUTEX, () => {
    const offset = region.allocate(32, KIND_MUTEX);
    renew(region.memory.words, offset >> 2);
    return offset;
  });
}

test("a death at any step of making a named object leaves a name that works, and no memory lost", () => {
  for (let at = 0; ; at++) {
    const region = small();
    const victim = anotherThread(region);
    const crashed = crashAt(at, () => makeNamed(victim));
    bury(victim);
    const mutex = new Mutex({ name: "name", region });
    mutex.lock().release();
    mutex.free();
    assert.is(region.names().length, 0);
    assert.is(region.stats().bytesUsed, 0, `step ${at}`);
    if (crashed) continue;
    assert.ok(at > 20);
    break;
  }
});

test("a death at any step of freeing a named mutex leaves a name that works, and no memory lost", () => {
  for (let at = 0; ; at++) {
    const region = small();
    const victim = anotherThread(region);
    makeNamed(victim);
    const offset = victim.findOrCreate("name", KIND_MUTEX, () => 0);
    const crashed = crashAt(at, () => {
      victim.remove(offset, () => void retire(victim.memory.words, offset >> 2, victim.me));
    });
    bury(victim);
    const mutex = new Mutex({ name: "name", region });
    mutex.lock().release();
    mutex.free();
    assert.is(region.memory.words[offset >> 2], RETIRED);
    assert.is(region.names().length, 0);
    assert.is(region.stats().bytesUsed, 0, `step ${at}`);
    if (crashed) continue;
    assert.ok(at > 20);
    break;
  }
});

test.run();
