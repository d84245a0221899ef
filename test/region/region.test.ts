// Regions: made, attached to, and refused. Those that are laid over a buffer: region-over.test.ts.

import * as assert from "uvu/assert";
import { RegionError } from "../../src/cells/errors.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { KIND_RAW, LAYOUT_VERSION } from "../../src/region/layout.ts";
import { Region, type RegionHandle } from "../../src/region/region.ts";
import { anotherThread } from "../support/crash.ts";
import { suite } from "../support/suite.ts";
import { codeOf, thrown } from "../support/thrown.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("region");
const file = new URL("./region.worker.js", import.meta.url);

test("create: sizes are whole pages, limits are kept", () => {
  const region = Region.create({ byteLength: 100_000, maxByteLength: 1_000_000, maxThreads: 10, name: "mine" });
  assert.is(region.byteLength % 65536, 0);
  assert.ok(region.byteLength >= 100_000);
  assert.is(region.maxByteLength, 15 * 65536);
  assert.is(region.maxThreads, 10);
  assert.is(region.name, "mine");
  assert.is(region.threads, 0);
  assert.match(region.id, /^[0-9a-f]{32}$/);
  assert.match(region.toString(), /^Region "mine": \d+ of 983040 bytes, 0 threads, (wasm|js)$/);
});

test("create: two regions have two ids", () => {
  assert.is.not(Region.create().id, Region.create().id);
});

test("create: bad options are refused, each by its name", () => {
  const message = (options: object): string => {
    const error = thrown(() => Region.create(options));
    return `${error.constructor.name}: ${error.message}`;
  };
  assert.match(message(null as never), /TypeError: Region.create takes an object of options, got null/);
  assert.match(message({ byteLength: "1" }), /TypeError: byteLength must be a number, got "1"/);
  assert.match(message({ byteLength: 0 }), /RangeError: byteLength must be a whole number from 1 to/);
  assert.match(message({ byteLength: 2 ** 31 }), /RangeError: byteLength must be/);
  assert.match(message({ byteLength: 1.5 }), /RangeError: byteLength/);
  assert.match(message({ maxByteLength: Number.NaN }), /RangeError: maxByteLength/);
  assert.match(message({ maxByteLength: 1000 }), /RangeError: maxByteLength/);
  assert.match(message({ byteLength: 2 ** 20, maxByteLength: 2 ** 19 }), /RangeError: byteLength must not be greater/);
  for (const maxThreads of [0, -1, 4095, 1.5]) assert.match(message({ maxThreads }), /RangeError: maxThreads/);
  assert.match(message({ maxThreads: "8" }), /TypeError: maxThreads/);
  assert.match(message({ name: "" }), /RangeError: name/);
  assert.match(message({ name: 5 }), /TypeError: name/);
});

test("create: a region grows to its limit, then says that it is full, and stays as it was", () => {
  const region = Region.create({ byteLength: 1, maxByteLength: 2 << 20 });
  for (let k = 0; k < 7; k++) region.allocate(200_000, KIND_RAW);
  const before = region.stats();
  const error = thrown(() => region.allocate(1_000_000, KIND_RAW));
  assert.instance(error, RegionError);
  assert.is(error.code, "ERR_REGION_FULL");
  assert.match(error.message, /1000000 bytes were asked for, \d+ of its 2097152 bytes are left/);
  assert.equal(region.stats(), before);
  region.allocate(200_000, KIND_RAW);
});

test("from: gives the region of the handle, one object a thread", () => {
  const region = Region.create({ name: "shared" });
  const again = Region.from(structuredClone(region.share()));
  assert.is(again, region);
  assert.is(again.name, "shared");
});

test("from: what is no handle is refused", () => {
  const handle = Region.create().share();
  const refuse = (value: unknown): string => codeOf(() => Region.from(value as RegionHandle));
  for (const value of [undefined, null, 5, "region", {}, [], new Mutex().share()])
    assert.is(refuse(value), "TypeError");
  assert.is(refuse({ ...handle, version: LAYOUT_VERSION + 1 }), "ERR_REGION_VERSION");
  assert.is(refuse({ ...handle, memory: undefined }), "TypeError");
  assert.is(refuse({ ...handle, memory: new ArrayBuffer(1 << 20) }), "TypeError");
  assert.is(refuse({ ...handle, memory: new WebAssembly.Memory({ initial: 20 }) }), "TypeError");
  assert.is(refuse({ ...handle, memory: new SharedArrayBuffer(1 << 20) }), "ERR_REGION_INVALID");
  assert.is(refuse({ ...handle, memory: new SharedArrayBuffer(0), byteLength: 0 }), "ERR_REGION_TOO_SMALL");
  assert.is(refuse({ ...handle, name: 5 }), "TypeError");
  const plain = Region.over(new SharedArrayBuffer(64 << 10)).share();
  assert.is(refuse({ ...plain, byteOffset: 4 }), "RangeError");
  assert.is(refuse({ ...plain, byteOffset: "0" }), "TypeError");
  assert.is(refuse({ ...plain, byteLength: 1 << 20 }), "RangeError");
  assert.is(refuse({ ...plain, byteLength: 8192 }), "ERR_REGION_CORRUPT");
});

test("from: attaching while another thread grows the region never fails", async () => {
  const region = Region.create({ byteLength: 1, maxByteLength: 512 << 20 });
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const handle = region.share();
  const [outcome] = await runWorkers<number>({
    file,
    count: 1,
    workerData: { behaviour: "attach to a growing region", region: handle, buffer: stop.buffer },
    onMessage: () => {
      let block = 0;
      const grow = (): void => {
        for (let k = 0; k < 4; k++) region.allocate(300_000, KIND_RAW);
        if (block++ < 200) setImmediate(grow);
        else Atomics.store(stop, 0, 1);
      };
      grow();
    },
  });
  assert.ok(outcome.result > 0);
});

test("threads whose views are too short find what the others made beyond them", async () => {
  const region = Region.create({ byteLength: 1 });
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const outcomes = await runWorkers<{ offsets: number; length: number }>({
    file,
    count: 4,
    workerData: { behaviour: "churn", region: region.share(), gate },
  });
  for (const { result } of outcomes) assert.is(result.offsets, 240);
  assert.is(region.names().length, 240);
  assert.ok(region.memory.byteLength < region.byteLength || region.stats().bytesUsed > 60 << 20);
});

test("a thread whose view is too short finds a named lock beyond it, though the name itself lies within", () => {
  const region = Region.create({ byteLength: 1 });
  const other = anotherThread(region);
  const low = region.allocate(64, KIND_RAW);
  region.allocate(1 << 20, KIND_RAW);
  region.release(low);
  const mutex = new Mutex({ region, name: "beyond" });
  assert.ok(mutex.share().offset > other.memory.byteLength);
  assert.equal(
    other.names().map(({ name }) => name),
    ["beyond"],
  );
  const seen = new Mutex({ region: other, name: "beyond" });
  seen.withLock(() => assert.ok(mutex.locked && !mutex.heldByMe));
});

test("the same region without WebAssembly", () => {
  const region = Region.create({ wasm: false });
  assert.is(region.backend, "js");
  new Mutex({ region }).withLock(() => undefined);
});

test.run();
