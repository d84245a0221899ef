// watchdog: 300s
// SharedQueue in one thread: what each method does, bad input, a plain array as the model.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Event } from "../../src/locks/event.ts";
import { Region } from "../../src/region/region.ts";
import { SharedQueue } from "../../src/tables/queue.ts";
import type { QueueValue } from "../../src/tables/queue-steps.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { byteLength as utf8Length } from "../support/bytes.ts";
import { assertThrows, errorOf, rejectionOf } from "./judge.ts";

const test = suite("SharedQueue");

function make(capacity = 3, maxBytes?: number): SharedQueue {
  return new SharedQueue({ region: Region.create({ maxThreads: 4 }), capacity, maxBytes });
}

test("values come out as they went in, in order", () => {
  const queue = make(20);
  const values: QueueValue[] = ["a", "", "é😀", "\ud800", "\udc00x", "\0", new Uint8Array(), Uint8Array.of(0, 255)];
  for (const value of values) queue.push(value);
  assert.is(queue.size, values.length);
  for (const value of values) assert.equal(queue.pop(), value);
  assert.is(queue.tryPop(), undefined);
  assert.equal(queue.check(), { ok: true, problems: [] });
});

test("bytes are copied in and out", () => {
  const queue = make();
  const mine = (globalThis.Buffer ?? Uint8Array).from([1, 2, 3]);
  queue.push(mine.subarray(1));
  mine[2] = 9;
  const out = queue.pop() as Uint8Array;
  assert.equal([...out], [2, 3]);
  assert.is(out.buffer instanceof SharedArrayBuffer, false);
  queue.push(new Uint8Array(new SharedArrayBuffer(4)).fill(7));
  assert.equal(queue.pop(), Uint8Array.of(7, 7, 7, 7));
});

test("a full queue takes no more, an empty one gives none", () => {
  const queue = make(2);
  assert.ok(queue.tryPush("a") && queue.tryPush("b"));
  assert.not.ok(queue.tryPush("c"));
  assert.not.ok(queue.tryPush("c", { timeout: 5 }));
  assert.is(
    errorOf(() => queue.push("c", { timeout: 5 })),
    "ERR_TIMEOUT",
  );
  assert.is(
    errorOf(() => queue.push("c", { timeout: 0 })),
    "ERR_TIMEOUT",
  );
  assert.equal(queue.drain(), ["a", "b"]);
  assert.equal(queue.drain(), []);
  assert.is(queue.tryPop({ timeout: 5 }), undefined);
  assert.is(
    errorOf(() => queue.pop({ timeout: 5 })),
    "ERR_TIMEOUT",
  );
  assert.is(
    errorOf(() => queue.pop({ timeout: 0 })),
    "ERR_TIMEOUT",
  );
});

test("maxBytes bounds the values together, and each alone", () => {
  const queue = make(100, 10);
  queue.push("123456");
  assert.not.ok(queue.tryPush("12345"));
  assert.ok(queue.tryPush("1234"));
  assert.ok(queue.tryPush(""));
  assert.not.ok(queue.tryPush("1"));
  assert.is(queue.stats().bytesUsed, 10);
  assert.is(queue.pop(), "123456");
  assert.ok(queue.tryPush("é😀"));
  assertThrows(() => queue.push("12345678901"), /^RangeError: SharedQueue\.push.*maxBytes = 10.*11/);
  assertThrows(() => queue.tryPush("éééééé"), /^RangeError.*12/);
  assertThrows(() => queue.push(new Uint8Array(11)), /^RangeError/);
  assert.equal(queue.drain(), ["1234", "", "é😀"]);
});

test("values of a megabyte and more pass, and the ring goes round", () => {
  const queue = make(4);
  for (let round = 0; round < 8; round++) {
    queue.push("x".repeat(1_500_000 + round));
    queue.push(new Uint8Array(700_000).fill(round));
    assert.is((queue.pop() as string).length, 1_500_000 + round);
    assert.equal(queue.pop(), new Uint8Array(700_000).fill(round));
  }
  assert.equal(queue.check().problems, []);
  assert.ok(queue.stats().bytesReserved < 8 << 20);
});

test("a closed queue gives what is left, then undefined, and takes nothing", async () => {
  const queue = make();
  queue.push("last");
  assert.not.ok(queue.closed);
  queue.close();
  queue.close();
  assert.ok(queue.closed);
  for (const push of [() => queue.push("x"), () => queue.tryPush("x")]) assert.is(errorOf(push), "ERR_CLOSED");
  assert.is(await rejectionOf(queue.pushAsync("x")), "ERR_CLOSED");
  assert.is(queue.pop(), "last");
  assert.is(queue.pop(), undefined);
  assert.is(queue.pop({ timeout: 0 }), undefined);
  assert.is(queue.tryPop(), undefined);
  assert.is(await queue.popAsync(), undefined);
  assert.match(String(queue), /0 of 3 values, closed/);
});

test("popAsync waits for a value, pushAsync for room, each in the order of the calls", async () => {
  const queue = make(1);
  const pops = [queue.popAsync(), queue.popAsync(), queue.popAsync()];
  const pushes = ["a", "b", "c", "d", "e"].map((value) => queue.pushAsync(value));
  assert.equal(await Promise.all(pops), ["a", "b", "c"]);
  assert.is(await queue.popAsync(), "d");
  await Promise.all(pushes);
  assert.is(queue.pop(), "e");
});

test("pushAsync copies the value at once", async () => {
  const queue = make(1);
  queue.push("first");
  const mine = Uint8Array.of(1);
  const waiting = queue.pushAsync(mine);
  mine[0] = 2;
  queue.pop();
  await waiting;
  assert.equal(queue.pop(), Uint8Array.of(1));
});

test("a waiting pushAsync is rejected when the queue is closed, a waiting popAsync ends", async () => {
  const queue = make(1);
  const pop = queue.popAsync();
  queue.close();
  assert.is(await pop, undefined);
  const full = make(1);
  full.push("a");
  const push = full.pushAsync("b");
  full.close();
  assert.is(await rejectionOf(push), "ERR_CLOSED");
  assert.equal(full.drain(), ["a"]);
});

test("an aborted or timed-out wait leaves no trace", async () => {
  const queue = make(1);
  const abort = new AbortController();
  const pop = queue.popAsync({ signal: abort.signal });
  const timed = rejectionOf(queue.popAsync({ timeout: 5 }));
  const patient = queue.popAsync();
  abort.abort("enough");
  assert.is(await rejectionOf(pop), "enough");
  assert.is(await timed, "ERR_TIMEOUT");
  queue.push("for the patient");
  assert.is(await patient, "for the patient");
  queue.push("a");
  const again = new AbortController();
  const push = queue.pushAsync("b", { signal: again.signal });
  const late = rejectionOf(queue.pushAsync("c", { timeout: 5 }));
  again.abort(new Error("no more"));
  assert.match(await rejectionOf(push), /no more/);
  assert.is(await late, "ERR_TIMEOUT");
  assert.equal(queue.drain(), ["a"]);
  assert.is(await rejectionOf(queue.popAsync({ signal: AbortSignal.abort("before") })), "before");
  assert.is(await rejectionOf(queue.popAsync({ timeout: 0 })), "ERR_TIMEOUT");
});

test("for await takes the values until the queue is closed", async () => {
  const queue = make(2);
  const seen: QueueValue[] = [];
  const reading = (async () => {
    for await (const value of queue) seen.push(value);
  })();
  for (const value of ["a", "b", "c", "d", "e"]) await queue.pushAsync(value);
  queue.close();
  await reading;
  assert.equal(seen, ["a", "b", "c", "d", "e"]);
});

test("bad input is refused", async () => {
  const region = Region.create({ maxThreads: 4 });
  assertThrows(() => new SharedQueue(undefined as never), /^TypeError/);
  assertThrows(() => new SharedQueue({ region }), /^TypeError.*capacity/);
  assertThrows(() => new SharedQueue({ region, capacity: "5" as never }), /^TypeError.*capacity/);
  for (const capacity of [0, -1, 1.5, Number.NaN, 2 ** 26 + 1]) {
    assertThrows(() => new SharedQueue({ region, capacity }), /^RangeError.*capacity/);
  }
  assertThrows(() => new SharedQueue({ region, capacity: 1, maxBytes: 0 }), /^RangeError.*maxBytes/);
  const queue = new SharedQueue({ region, capacity: 1 });
  for (const value of [undefined, null, 5, {}, new Uint16Array(1), new ArrayBuffer(1)]) {
    assertThrows(() => queue.push(value as never), /^TypeError.*string or a Uint8Array/);
    assert.match(await rejectionOf(queue.pushAsync(value as never)), /^TypeError/);
  }
  assertThrows(() => queue.pop({ timeout: -1 }), /^RangeError/);
  assertThrows(() => queue.push("x", { timeout: "1" as never }), /^TypeError/);
  assert.match(await rejectionOf(queue.popAsync({ timeout: Number.NaN })), /^RangeError/);
  assert.match(await rejectionOf(queue.popAsync({ signal: 5 as never })), /^TypeError/);
  assert.is(queue.size, 0);
});

test("handles and names lead to the same queue, those of others do not", () => {
  const region = Region.create({ maxThreads: 4 });
  const queue = new SharedQueue({ region, name: "jobs", capacity: 5 });
  queue.push("a");
  assert.is(SharedQueue.named("jobs", { region }).pop(), "a");
  queue.push("b");
  const same = SharedQueue.from(structuredClone(queue.share()));
  assert.is(same.pop(), "b");
  assert.is(same.name, "jobs");
  assert.is(same.capacity, 5);
  for (const handle of [undefined, null, 5, "queue", {}]) {
    assertThrows(() => SharedQueue.from(handle as never), /^TypeError/);
  }
  const table = new SharedTable({ region, key: "string", columns: {} });
  assertThrows(() => SharedQueue.from(table.share() as never), /^ERR_REGION_KIND/);
  assertThrows(() => SharedQueue.from({ ...table.share(), holdfast: "queue" } as never), /^ERR_REGION_KIND/);
  assertThrows(() => Event.from(queue.share() as never), /^ERR_REGION_KIND/);
  assertThrows(() => SharedQueue.from({ ...queue.share(), offset: 12 }), /^ERR_REGION_CORRUPT/);
  assertThrows(() => Event.named("jobs", { region }), /^ERR_REGION_KIND/);
});

test("a freed queue is closed to everyone, and its memory comes back", async () => {
  const region = Region.create({ maxThreads: 4 });
  const before = region.stats().bytesUsed;
  const queue = new SharedQueue({ region, name: "jobs", capacity: 100 });
  const handle = queue.share();
  for (let i = 0; i < 100; i++) queue.push("x".repeat(1000));
  const push = rejectionOf(queue.pushAsync("y"));
  queue.free();
  assert.is(await push, "ERR_CLOSED");
  assert.is(region.stats().bytesUsed, before);
  for (const use of [() => queue.pop(), () => queue.push("a"), () => queue.size, () => queue.free()]) {
    assert.is(errorOf(use), "ERR_CLOSED");
  }
  assert.is(
    errorOf(() => SharedQueue.from(handle)),
    "ERR_CLOSED",
  );
  assert.match(String(queue), /freed/);
  assert.is(new SharedQueue({ region, name: "jobs", capacity: 1 }).size, 0);
});

test("a full region: nothing is changed, and the queue goes on", () => {
  const region = Region.create({ byteLength: 1 << 18, maxByteLength: 1 << 18, maxThreads: 4 });
  const queue = new SharedQueue({ region, capacity: 1000 });
  queue.push("a");
  assert.is(
    errorOf(() => queue.push("x".repeat(300_000))),
    "ERR_REGION_FULL",
  );
  let pushed = 0;
  while (errorOf(() => queue.push("y".repeat(5000))) === "nothing thrown") pushed++;
  assert.ok(pushed > 5);
  assert.is(queue.size, pushed + 1);
  assert.equal(queue.check().problems, []);
  assert.is(queue.pop(), "a");
  assert.is(queue.drain().length, pushed);
  queue.push("b");
  assert.is(queue.pop(), "b");
});

test("an overwritten entry is a clear error", () => {
  const queue = make();
  queue.push("abc");
  const { words } = queue.region.memory;
  const storage = words[queue.index + 8];
  words[storage + 16 + 4 + 1] = -5;
  assert.is(
    errorOf(() => queue.pop()),
    "ERR_TABLE_CORRUPT",
  );
  assert.not.ok(queue.check().ok);
});

const anyValue = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 5 }).map((units) => String.fromCharCode(...units)),
  fc.integer({ min: 0, max: 5000 }).map((length) => "v".repeat(length)),
  fc.uint8Array({ maxLength: 200 }),
);
type Model = QueueValue[];
interface Settings {
  capacity: number;
  maxBytes: number;
}

function byteLength(values: Model): number {
  return values.reduce((sum, value) => sum + (typeof value === "string" ? wtf8(value) : value.length), 0);
}

function wtf8(text: string): number {
  // A lone surrogate takes three bytes here and in the platform's replacement character.
  return utf8Length(text);
}

test("the same results as an array", () => {
  const settings = fc.record({ capacity: fc.integer({ min: 1, max: 40 }), maxBytes: fc.constantFrom(5000, 20_000) });
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ push: anyValue }) },
    { weight: 4, arbitrary: fc.constant({ pop: true }) },
    { weight: 1, arbitrary: fc.constant({ drain: true }) },
  );
  fc.assert(
    fc.property(
      settings,
      fc.array(step, { maxLength: 200, size: "max" }),
      ({ capacity, maxBytes }: Settings, steps) => {
        const queue = make(capacity, maxBytes);
        const model: Model = [];
        for (const step of steps) {
          if ("push" in step) {
            const fits = model.length < capacity && byteLength([...model, step.push]) <= maxBytes;
            assert.is(queue.tryPush(step.push), fits);
            if (fits) model.push(step.push);
          } else if ("pop" in step) assert.equal(queue.tryPop(), model.shift());
          else assert.equal(queue.drain(), model.splice(0));
          assert.is(queue.size, model.length);
        }
        assert.is(queue.stats().bytesUsed, byteLength(model));
        assert.equal(queue.check().problems, []);
        assert.equal(queue.drain(), model);
      },
    ),
    { numRuns: 60 },
  );
});

test.run();
