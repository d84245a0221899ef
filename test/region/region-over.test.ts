// Region.over: a buffer that the caller gives is formatted once, attached to, or refused.

import * as assert from "uvu/assert";
import { Mutex } from "../../src/locks/mutex.ts";
import {
  H_BYTES,
  H_CHECKSUM,
  H_HEAP_TOP,
  H_MAGIC,
  H_MAX_THREADS,
  H_STATE,
  H_VERSION,
  headerChecksum,
  KIND_RAW,
  MAGIC,
  REGION_FORMATTING,
  REGION_READY,
} from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { suite } from "../support/suite.ts";
import { codeOf, thrown } from "../support/thrown.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("region over a buffer");
const file = new URL("./region.worker.js", import.meta.url);
const never = undefined as never;

test("over: a zeroed buffer is formatted once, and attached to ever after", () => {
  const buffer = new SharedArrayBuffer(64 << 10);
  const region = Region.over(buffer);
  assert.is(Region.over(buffer), region);
  assert.is(region.byteLength, 64 << 10);
  assert.is(region.maxByteLength, 64 << 10);
  assert.is(region.backend, "js");
});

test("over: a part of a buffer is used, and no byte outside it", () => {
  const buffer = new SharedArrayBuffer(256 << 10);
  const bytes = new Uint8Array(buffer);
  bytes.fill(0xaa, 0, 64 << 10).fill(0xaa, 128 << 10);
  const region = Region.over(buffer, 64 << 10, 64 << 10, { maxThreads: 4 });
  const mutex = new Mutex({ region, name: "inside" });
  mutex.withLock(() => assert.ok(mutex.heldByMe));
  while (codeOf(() => region.allocate(64, KIND_RAW)) === "nothing") continue;
  assert.ok(bytes.subarray(0, 64 << 10).every((byte) => byte === 0xaa));
  assert.ok(bytes.subarray(128 << 10).every((byte) => byte === 0xaa));
  assert.is(Region.from(structuredClone(region.share())), region);
});

test("over: small buffers get few thread slots; too small ones are refused", () => {
  assert.is(Region.over(new SharedArrayBuffer(16 << 10)).maxThreads, 32);
  assert.is(Region.over(new SharedArrayBuffer(1 << 20)).maxThreads, 256);
  const small = new SharedArrayBuffer(5000);
  assert.is(
    codeOf(() => Region.over(small)),
    "ERR_REGION_TOO_SMALL",
  );
  assert.is(
    codeOf(() => Region.over(new SharedArrayBuffer(100))),
    "ERR_REGION_TOO_SMALL",
  );
  assert.is(
    codeOf(() => Region.over(new SharedArrayBuffer(0))),
    "ERR_REGION_TOO_SMALL",
  );
  assert.is(
    codeOf(() => Region.over(new SharedArrayBuffer(16 << 10), 0, 16 << 10, { maxThreads: 100 })),
    "ERR_REGION_TOO_SMALL",
  );
  assert.ok(
    new Int32Array(small).every((word) => word === 0),
    "left as it was",
  );
});

test("over: bad arguments are refused before anything changes", () => {
  const buffer = new SharedArrayBuffer(64 << 10);
  assert.is(
    codeOf(() => Region.over(new ArrayBuffer(64 << 10) as never)),
    "TypeError",
  );
  assert.is(
    codeOf(() => Region.over(never)),
    "TypeError",
  );
  assert.is(
    codeOf(() => Region.over(buffer, 4)),
    "RangeError",
  );
  assert.is(
    codeOf(() => Region.over(buffer, -8)),
    "RangeError",
  );
  assert.is(
    codeOf(() => Region.over(buffer, 0, 65 << 10)),
    "RangeError",
  );
  assert.is(
    codeOf(() => Region.over(buffer, 1 << 20)),
    "RangeError",
  );
  assert.is(
    codeOf(() => Region.over(buffer, 0, 64 << 10, { maxThreads: 0 })),
    "RangeError",
  );
  assert.is(
    codeOf(() => Region.over(buffer, 0, 64 << 10, { maxThreads: "8" as never })),
    "TypeError",
  );
  assert.is(
    codeOf(() => Region.over(buffer, 0, 64 << 10, { name: "" })),
    "RangeError",
  );
  assert.ok(new Int32Array(buffer).every((word) => word === 0));
});

test("over: anything but zeroes or a region is refused, and left as it was", () => {
  for (const at of [0, 1, H_STATE, 1000, 16383]) {
    const words = new Int32Array(new SharedArrayBuffer(64 << 10));
    words[at] = 12345;
    assert.is(
      codeOf(() => Region.over(words.buffer as SharedArrayBuffer)),
      "ERR_REGION_INVALID",
      `word ${at}`,
    );
    assert.is(words.filter((word) => word !== 0).length, 1);
  }
});

/** A copy of a region's header and heap under another id, changed by `change`. */
function forged(change: (words: Int32Array) => void, seal = false): SharedArrayBuffer {
  const words = new Int32Array(
    Region.over(new SharedArrayBuffer(64 << 10)).memory.buffer.slice(0) as SharedArrayBuffer,
  );
  words[2] ^= 0x5a5a5a5a;
  words[H_CHECKSUM] = headerChecksum(words);
  change(words);
  if (seal) words[H_CHECKSUM] = headerChecksum(words);
  return words.buffer as unknown as SharedArrayBuffer;
}

test("over: another layout version, a corrupt header, a buffer that was cut off", () => {
  assert.is(
    codeOf(() => Region.over(forged(() => undefined))),
    "nothing",
  );
  const version = thrown(() => Region.over(forged((words) => void words[H_VERSION]++)));
  assert.is(version.code, "ERR_REGION_VERSION");
  assert.match(version.message, /layout version 2, this holdfast reads version 1/);
  const corrupt = (change: (words: Int32Array) => void, seal?: boolean): string =>
    codeOf(() => Region.over(forged(change, seal)));
  assert.is(
    corrupt((words) => void words[H_MAX_THREADS]++),
    "ERR_REGION_CORRUPT",
  );
  assert.is(
    corrupt((words) => void (words[H_HEAP_TOP] = -64)),
    "ERR_REGION_CORRUPT",
  );
  assert.is(
    corrupt((words) => void (words[H_HEAP_TOP] += 4)),
    "ERR_REGION_CORRUPT",
  );
  assert.is(
    corrupt((words) => void (words[H_HEAP_TOP] = 1 << 20)),
    "ERR_REGION_CORRUPT",
  );
  assert.is(
    corrupt((words) => void (words[H_BYTES] = 1 << 20)),
    "ERR_REGION_CORRUPT",
  );
  assert.is(
    corrupt((words) => void (words[H_BYTES] = -1)),
    "ERR_REGION_CORRUPT",
  );
  assert.is(
    corrupt((words) => void (words[H_MAGIC] = 77)),
    "ERR_REGION_INVALID",
  );
  const cut = thrown(() =>
    Region.over(
      forged(() => undefined),
      0,
      32 << 10,
    ),
  );
  assert.match(cut.message, /the region has 65536 bytes, but only 32768 of them were given/);
});

test("over: a copy of a region in use is no region", () => {
  const region = Region.over(new SharedArrayBuffer(64 << 10));
  const error = thrown(() => Region.over((region.memory.buffer as unknown as ArrayBuffer).slice(0) as never));
  assert.is(error.code, "ERR_REGION_INVALID");
  assert.match(error.message, /copy/);
});

test("over: a buffer that a thread began to format and died", () => {
  for (const magic of [0, MAGIC]) {
    const words = new Int32Array(new SharedArrayBuffer(64 << 10));
    words[H_STATE] = REGION_FORMATTING;
    words[H_MAGIC] = magic;
    const error = thrown(() => Region.over(words.buffer as SharedArrayBuffer));
    assert.is(error.code, "ERR_REGION_CORRUPT");
    assert.match(error.message, /zero the buffer and start again/);
  }
});

test("over: a thread that comes while another writes the header waits for it", () => {
  const words = new Int32Array(forged(() => undefined));
  words[H_STATE] = REGION_FORMATTING;
  // The other thread, as far as this one can see: it finishes when this one looks at the state for the third time.
  const real = globalThis.Atomics;
  let looks = 0;
  const handler: ProxyHandler<typeof Atomics> = {
    get: (target, name) => {
      if (name !== "load") return Reflect.get(target, name) as unknown;
      return (view: Int32Array, at: number): number => {
        if (at === H_STATE && ++looks === 3) real.store(words, H_STATE, REGION_READY);
        return real.load(view, at);
      };
    },
  };
  globalThis.Atomics = new Proxy(real, handler);
  try {
    assert.instance(Region.over(words.buffer as SharedArrayBuffer), Region);
  } finally {
    globalThis.Atomics = real;
  }
});

test("over: a buffer that another thread formats while this one looks for zeroes is attached to", () => {
  const words = new Int32Array(new SharedArrayBuffer(64 << 10));
  const region = new Int32Array(forged(() => undefined));
  const real = globalThis.Atomics;
  let looks = 0;
  const handler: ProxyHandler<typeof Atomics> = {
    get: (target, name) => {
      if (name !== "load") return Reflect.get(target, name) as unknown;
      return (view: Int32Array, at: number): number => {
        const seen = real.load(view, at);
        // Right after this thread saw the buffer raw the other one does all of its work.
        if (at === H_STATE && ++looks === 1) words.set(region);
        return seen;
      };
    },
  };
  globalThis.Atomics = new Proxy(real, handler);
  try {
    assert.instance(Region.over(words.buffer as SharedArrayBuffer), Region);
  } finally {
    globalThis.Atomics = real;
  }
});

test("over: four threads that come to one zeroed buffer at once make one region of it", async () => {
  for (let round = 0; round < 6; round++) {
    const buffer = new SharedArrayBuffer(8 << 20);
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const outcomes = await runWorkers<{ id: string; me: number }>({
      file,
      count: 4,
      workerData: { behaviour: "over at once", buffer, gate },
    });
    assert.is(new Set(outcomes.map(({ result }) => result.id)).size, 1);
    assert.is(new Set(outcomes.map(({ result }) => result.me)).size, 4);
  }
});

test.run();
