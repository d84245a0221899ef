// watchdog: 300s
// SharedLog in one thread: what each method does, bad input, a plain array as the model, death at every store.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedLog } from "../../src/tables/log.ts";
import type { LogReader, LogValue } from "../../src/tables/log-reader.ts";
import { SharedQueue } from "../../src/tables/queue.ts";
import { byteLength } from "../support/bytes.ts";
import { assertThrows, dieAfter, errorOf, MORTAL_REGION, random, rejectionOf } from "./judge.ts";

const test = suite("SharedLog");

function make(capacity = 5, maxBytes?: number): SharedLog {
  return new SharedLog({ region: Region.create({ maxThreads: 4 }), capacity, maxBytes });
}

function rest(reader: LogReader): LogValue[] {
  const values: LogValue[] = [];
  for (let value = reader.tryRead(); value !== undefined; value = reader.tryRead()) values.push(value);
  return values;
}

test("every reader sees every entry, whole and in order, from where it began", () => {
  const log = make(10);
  const early = log.reader();
  const entries: LogValue[] = ["a", "", Uint8Array.of(1, 0, 255), "\ud800é😀", new Uint8Array()];
  entries.forEach((entry, position) => assert.is(log.append(entry), position));
  const late = log.reader();
  const newest = log.reader({ from: "newest" });
  const third = log.reader({ from: 2 });
  log.append("last");
  assert.equal(rest(early), [...entries, "last"]);
  assert.equal(rest(late), [...entries, "last"]);
  assert.equal(rest(newest), ["last"]);
  assert.equal(rest(third), [...entries.slice(2), "last"]);
  for (const reader of [early, late, newest, third]) assert.equal([reader.position, reader.lost], [6, 0]);
  assert.is(early.log, log);
  assert.equal([log.size, log.position], [6, 6]);
});

test("the oldest entries make room, and an overrun reader knows how many it lost", () => {
  const log = make(3);
  const reader = log.reader();
  log.append("0");
  assert.is(reader.read(), "0");
  for (let i = 1; i < 9; i++) log.append(String(i));
  assert.equal([reader.position, reader.lost], [1, 0]);
  assert.is(reader.read(), "6");
  assert.equal([reader.position, reader.lost], [7, 5]);
  assert.equal(rest(reader), ["7", "8"]);
  const old = log.reader({ from: 2 });
  assert.equal(rest(old), ["6", "7", "8"]);
  assert.is(old.lost, 4);
  assert.equal(rest(log.reader()), ["6", "7", "8"]);
  const { entries, oldest, next } = log.stats();
  assert.equal([entries, oldest, next], [3, 6, 9]);
  assert.match(String(log), /3 entries, positions 6 to 8/);
});

test("maxBytes bounds what is kept", () => {
  const log = make(100, 10);
  for (const entry of ["1234", "567", "89a"]) log.append(entry);
  assert.equal(rest(log.reader()), ["1234", "567", "89a"]);
  log.append("b");
  assert.equal(rest(log.reader()), ["567", "89a", "b"]);
  log.append("0123456789");
  assert.equal(rest(log.reader()), ["0123456789"]);
  log.append("");
  assert.equal(rest(log.reader()), ["0123456789", ""]);
  assertThrows(() => log.append("0123456789a"), /^RangeError: SharedLog\.append.*maxBytes = 10/);
  assert.equal(log.check().problems, []);
});

test("read waits for an entry, up to its time-out", async () => {
  const log = make();
  const reader = log.reader();
  assert.is(
    errorOf(() => reader.read({ timeout: 5 })),
    "ERR_TIMEOUT",
  );
  assert.is(
    errorOf(() => reader.read({ timeout: 0 })),
    "ERR_TIMEOUT",
  );
  assert.is(reader.tryRead({ timeout: 5 }), undefined);
  assert.is(await rejectionOf(reader.readAsync({ timeout: 5 })), "ERR_TIMEOUT");
  const waiting = [reader.readAsync(), log.reader().readAsync(), reader.readAsync({ timeout: 10_000 })];
  log.append("a");
  log.append("b");
  assert.equal(await Promise.all(waiting), ["a", "a", "b"]);
});

test("an aborted wait leaves no trace", async () => {
  const log = make();
  const reader = log.reader();
  const abort = new AbortController();
  const aborted = rejectionOf(reader.readAsync({ signal: abort.signal }));
  const patient = reader.readAsync();
  abort.abort("enough");
  assert.is(await aborted, "enough");
  log.append("for the patient");
  assert.is(await patient, "for the patient");
  assert.is(reader.position, 1);
  assert.is(await rejectionOf(reader.readAsync({ signal: AbortSignal.abort("before") })), "before");
});

test("for await gives the entries as they come", async () => {
  const log = make();
  log.append("a");
  const seen: LogValue[] = [];
  setTimeout(() => log.append("b"), 5);
  for await (const entry of log.reader()) {
    seen.push(entry);
    if (seen.length === 2) break;
  }
  assert.equal(seen, ["a", "b"]);
});

test("positions go beyond 2^32", () => {
  const log = make(4);
  const words = (): Int32Array => log.region.memory.words;
  log.append("first");
  // As if 2^32 - 3 entries had come: head, tail and the slot before the tail say so.
  const storage = words()[log.index + 8];
  words()[storage + 2] = -2;
  words()[storage + 3] = -2;
  const slot = storage + 16 + ((-3 & words()[storage]) << 2);
  words().set([0, 0, 1, 0], slot);
  const start = log.position;
  assert.is(start, 2 ** 32 - 3);
  const reader = log.reader();
  for (let i = 0; i < 4; i++) assert.is(log.append(`entry ${i}`), start + i);
  assert.equal(rest(reader), ["entry 0", "entry 1", "entry 2", "entry 3"]);
  assert.is(reader.position, 2 ** 32 + 1);
  for (let i = 4; i < 40; i++) log.append(`entry ${i}`);
  assert.equal(rest(log.reader({ from: start + 37 })), ["entry 37", "entry 38", "entry 39"]);
  assert.equal(rest(reader).length, 4);
  assert.is(reader.lost, 32);
  assert.equal(log.check().problems, []);
});

test("bad input is refused", async () => {
  const region = Region.create({ maxThreads: 4 });
  assertThrows(() => new SharedLog(undefined as never), /^TypeError/);
  assertThrows(() => new SharedLog({ region }), /^TypeError.*capacity/);
  for (const capacity of [0, -1, 1.5, 2 ** 26 + 1]) {
    assertThrows(() => new SharedLog({ region, capacity }), /^RangeError.*capacity/);
  }
  const log = new SharedLog({ region, name: "log", capacity: 2 });
  for (const value of [undefined, null, 5, [], new Int8Array(1)]) {
    assertThrows(() => log.append(value as never), /^TypeError.*string or a Uint8Array/);
  }
  for (const from of ["first", null, {}]) assertThrows(() => log.reader({ from: from as never }), /^TypeError.*from/);
  for (const from of [-1, 0.5, 1, Number.NaN]) assertThrows(() => log.reader({ from }), /^RangeError.*from/);
  assertThrows(() => log.reader().read({ timeout: -1 }), /^RangeError/);
  assert.match(await rejectionOf(log.reader().readAsync({ signal: "x" as never })), /^TypeError/);
  const queue = new SharedQueue({ region, capacity: 1 });
  assertThrows(() => SharedLog.from(queue.share() as never), /^ERR_REGION_KIND/);
  assertThrows(() => SharedLog.from(undefined as never), /^TypeError/);
  assertThrows(() => SharedQueue.named("log", { region }), /^ERR_REGION_KIND/);
  log.append("a");
  assert.is(SharedLog.named("log", { region }).reader().read(), "a");
  assert.is(SharedLog.from(structuredClone(log.share())).reader().read(), "a");
});

test("a freed log is closed to everyone, and its memory comes back", async () => {
  const region = Region.create({ maxThreads: 4 });
  const before = region.stats().bytesUsed;
  const log = new SharedLog({ region, capacity: 50 });
  const reader = log.reader();
  const waiting = rejectionOf(reader.readAsync());
  log.free();
  assert.is(await waiting, "ERR_CLOSED");
  assert.is(region.stats().bytesUsed, before);
  for (const use of [() => log.append("a"), () => reader.read(), () => log.reader(), () => log.free()]) {
    assert.is(errorOf(use), "ERR_CLOSED");
  }
});

test("a full region: nothing is changed", () => {
  const region = Region.create({ byteLength: 1 << 18, maxByteLength: 1 << 18, maxThreads: 4 });
  const log = new SharedLog({ region, capacity: 3 });
  for (const entry of ["a", "b", "c"]) log.append(entry);
  assert.is(
    errorOf(() => log.append("x".repeat(300_000))),
    "ERR_REGION_FULL",
  );
  assert.equal(rest(log.reader()), ["a", "b", "c"]);
  assert.is(log.append("d"), 3);
  assert.equal(log.check().problems, []);
});

const anyValue = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 5 }).map((units) => String.fromCharCode(...units)),
  fc.integer({ min: 0, max: 3000 }).map((length) => "v".repeat(length)),
  fc.uint8Array({ maxLength: 200 }),
);

test("the same entries as the end of an array", () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ append: anyValue }) },
    { weight: 3, arbitrary: fc.record({ read: fc.integer({ min: 0, max: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ restart: fc.integer({ min: 0, max: 2 }), back: fc.nat(60) }) },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(4000, 15_000),
      fc.array(step, { maxLength: 250, size: "max" }),
      (capacity, maxBytes, steps) => {
        const log = make(capacity, maxBytes);
        const all: LogValue[] = [];
        let oldest = 0;
        const readers = [log.reader(), log.reader(), log.reader()];
        const cursors = [0, 0, 0];
        for (const step of steps) {
          if ("append" in step) {
            assert.is(log.append(step.append), all.length);
            all.push(step.append);
            while (all.length - oldest > capacity || bytesOf(all.slice(oldest)) > maxBytes) oldest++;
          } else if ("read" in step) {
            const at = Math.max(cursors[step.read], oldest);
            assert.equal(readers[step.read].tryRead(), all[at]);
            if (at < all.length) cursors[step.read] = at + 1;
            assert.is(readers[step.read].position, cursors[step.read]);
          } else {
            cursors[step.restart] = Math.max(0, all.length - step.back);
            readers[step.restart] = log.reader({ from: cursors[step.restart] });
          }
        }
        assert.equal(rest(log.reader()), all.slice(oldest));
        assert.equal(log.check().problems, []);
      },
    ),
    { numRuns: 60 },
  );
});

function bytesOf(values: readonly LogValue[]): number {
  return values.reduce((sum, value) => sum + (typeof value === "string" ? byteLength(value) : value.length), 0);
}

test("a writer that dies at any store has appended whole or not at all, and drops old entries only for it", () => {
  const region = Region.create(MORTAL_REGION);
  const log = new SharedLog({ region, capacity: 24, maxBytes: 6000 });
  const { bytes } = region.memory;
  const next = random(5);
  let deaths = 0;
  for (let number = 0; number < 90; number++) {
    const entry = String(number).padEnd([2, 40, 700, 3000][next(4)], ".");
    const before = rest(log.reader());
    const start = bytes.slice();
    for (let stores = 0; ; stores++) {
      bytes.set(start);
      if (!dieAfter(log, stores, () => log.append(entry))) break;
      deaths++;
      const where = `entry ${number}, dead after ${stores} stores`;
      assert.equal(log.check().problems, [], where);
      const found = rest(log.reader());
      const appended = found.at(-1) === entry;
      const kept = appended ? found.slice(0, -1) : found;
      assert.equal(kept, before.slice(before.length - kept.length), where);
      assert.is(log.position, number + (appended ? 1 : 0), where);
      log.append("goes on");
      assert.is(rest(log.reader()).at(-1), "goes on");
    }
    assert.is(rest(log.reader()).at(-1), entry);
  }
  assert.ok(deaths > 700, `only ${deaths} deaths were tried`);
});

test("texts of ASCII alone and others come back unit for unit, from a log and from a queue", () => {
  const texts = ["", "\x00", "\x7f", "\x80", "\uFEFFa", "é", "\ufffd", "\ud800"];
  for (const length of [24, 25, 26, 300, 10_000]) {
    const plain = "\uFEFFabc\x7f".slice(1).repeat(length).slice(0, length);
    texts.push(plain, `${plain}é`, `é${plain}`, `\uFEFF${plain}`, `${plain}\udc00`, "é".repeat(length));
  }
  const region = Region.create({ maxThreads: 4 });
  const log = new SharedLog({ region, capacity: texts.length });
  const queue = new SharedQueue({ region, capacity: texts.length });
  for (const text of texts) {
    log.append(text);
    queue.push(text);
  }
  assert.equal(rest(log.reader()), texts);
  assert.equal(queue.drain(), texts);
  assert.equal([log.check().ok, queue.check().ok], [true, true]);
});

test.run();
