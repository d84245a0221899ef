// The allocator against a model, and after a death at every step of it.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { ClosedError, RegionError } from "../../src/cells/errors.ts";
import { RETIRED } from "../../src/protocols/mutex.ts";
import { walkHeap } from "../../src/region/heap.ts";
import {
  B_STATE,
  BLOCK_FREE,
  BLOCK_HEADER_BYTES,
  BLOCK_USED,
  H_ALLOCATOR_LOCK,
  H_FREE_LISTS,
  KIND_MUTEX,
  KIND_RAW,
  MAX_REGION_BYTES,
  SIZE_CLASSES,
} from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { classBytes, classFor } from "../../src/region/size-classes.ts";
import { anotherThread, bury, crashAt } from "../support/crash.ts";
import { suite } from "../support/suite.ts";
import { codeOf, thrown } from "../support/thrown.ts";

const test = suite("allocator");

const small = (): Region => Region.over(new SharedArrayBuffer(64 << 10));

interface Block {
  readonly at: number;
  readonly bytes: number;
  readonly used: boolean;
}

function blocksOf(region: Region): Block[] {
  const blocks: Block[] = [];
  walkHeap(region, (block, bytes, state) => {
    blocks.push({ at: block + BLOCK_HEADER_BYTES, bytes: bytes - BLOCK_HEADER_BYTES, used: state === BLOCK_USED });
  });
  return blocks;
}

/** The heap is tiled, and what is in use is what the model has. */
function checkAgainst(region: Region, model: ReadonlyMap<number, number>): void {
  const used = new Map(
    blocksOf(region)
      .filter((block) => block.used)
      .map(({ at, bytes }) => [at, bytes]),
  );
  assert.equal([...used.keys()].sort(), [...model.keys()].sort());
  for (const [at, bytes] of model) assert.ok((used.get(at) as number) >= bytes);
}

test("classes grow by a quarter at the most, and each holds what is asked of it", () => {
  let last = 0;
  for (let sizeClass = 0; sizeClass < SIZE_CLASSES; sizeClass++) {
    const bytes = classBytes(sizeClass);
    assert.ok(bytes > last && bytes % 64 === 0);
    assert.is(classFor(bytes), sizeClass);
    if (sizeClass > 16) assert.ok(bytes <= last * 1.25);
    last = bytes;
  }
  for (let bytes = 64; bytes < 1 << 20; bytes += 64) {
    const sizeClass = classFor(bytes);
    assert.ok(classBytes(sizeClass) >= bytes && (sizeClass === 0 || classBytes(sizeClass - 1) < bytes));
  }
});

test("blocks never overlap, are aligned and zeroed, are used again, and tile the heap", () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 }));
  const operation = fc.record({ size, pick: fc.nat(), isRelease: fc.boolean() });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
      const region = small();
      const model = new Map<number, number>();
      for (const { size, pick, isRelease } of operations) {
        if (isRelease && model.size > 0) {
          const at = [...model.keys()][pick % model.size];
          region.release(at);
          model.delete(at);
        } else {
          step(region, model, size);
        }
      }
      checkAgainst(region, model);
    }),
    { numRuns: 150 },
  );
});

function step(region: Region, model: Map<number, number>, size: number): void {
  const before = Int32Array.from(region.memory.words.subarray(H_FREE_LISTS));
  let at: number;
  try {
    at = region.allocate(size, KIND_RAW);
  } catch (error) {
    assert.is((error as RegionError).code, "ERR_REGION_FULL");
    assert.equal(
      Int32Array.from(region.memory.words.subarray(H_FREE_LISTS)),
      before,
      "a full region is left as it was",
    );
    return;
  }
  assert.is(at % 64, 0);
  assert.ok(at + size <= region.byteLength);
  for (const [other, bytes] of model) assert.ok(at + size <= other || other + bytes <= at, "overlap");
  const payload = region.memory.bytes.subarray(at, at + size);
  assert.ok(payload.every((byte) => byte === 0));
  payload.fill(0xff);
  model.set(at, size);
}

test("what was freed serves again: a million blocks of many sizes do not fill a region", () => {
  const region = small();
  for (let k = 0; k < 1_000_000; k++) region.release(region.allocate((k * 7) % 5000, KIND_RAW));
  assert.ok(region.stats().bytesUsed === 0);
});

test("a full region serves a small block from a larger free one", () => {
  const region = small();
  const large = region.allocate(40_000, KIND_RAW);
  assert.throws(() => region.allocate(40_000, KIND_RAW), /the region is full: 40000 bytes were asked for/);
  region.release(large);
  const offsets = new Set<number>();
  for (let k = 0; k < 200; k++) offsets.add(region.allocate(128, KIND_RAW));
  assert.is(offsets.size, 200);
  assert.ok([...offsets].some((at) => at > large && at < large + 40_000));
});

test("what is said to be left can be had", () => {
  const region = small();
  region.allocate(1000, KIND_RAW);
  const { bytesLeft } = region.stats();
  region.allocate(bytesLeft - BLOCK_HEADER_BYTES, KIND_RAW);
  assert.is(region.stats().bytesLeft, 0);
});

test("sizes that are none are refused before anything changes", () => {
  const region = small();
  const before = region.stats();
  for (const bytes of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.is(
      codeOf(() => region.allocate(bytes, KIND_RAW)),
      "RangeError",
    );
  }
  assert.is(
    codeOf(() => region.allocate(MAX_REGION_BYTES, KIND_RAW)),
    "ERR_REGION_FULL",
  );
  assert.equal(region.stats(), before);
});

test("releasing what is not in use is an error, and changes nothing", () => {
  const region = small();
  const at = region.allocate(100, KIND_RAW);
  region.release(at);
  const before = region.stats();
  for (const offset of [at, at + 64, at + 1, 0, -64, 1e12, 64, Number.NaN, region.byteLength + 64]) {
    assert.instance(
      thrown(() => region.release(offset)),
      RegionError,
    );
  }
  assert.equal(region.stats(), before);
});

test("a handle's block is checked: place, use, serial number, kind", () => {
  const region = small();
  const at = region.allocate(100, KIND_RAW);
  const serial = region.serialOf(at);
  region.check(at, KIND_RAW, serial);
  assert.is(
    codeOf(() => region.check(at, KIND_MUTEX, serial)),
    "ERR_REGION_KIND",
  );
  assert.is(
    codeOf(() => region.check(at, KIND_RAW, serial + 1)),
    "ERR_CLOSED",
  );
  for (const offset of [at + 64, at + 4, 0, -64, 1e300, Number.NaN, undefined as unknown as number]) {
    assert.match(
      codeOf(() => region.check(offset, KIND_RAW, serial)),
      /^ERR_/,
    );
  }
  region.release(at);
  assert.instance(
    thrown(() => region.check(at, KIND_RAW, serial)),
    ClosedError,
  );
});

test("memory of a mutex serves only mutexes again, and comes as the last one left it", () => {
  const region = small();
  const mutex = region.allocate(32, KIND_MUTEX);
  region.memory.words[mutex >> 2] = RETIRED;
  region.release(mutex);
  for (let k = 0; k < 10; k++) assert.is.not(region.allocate(32, KIND_RAW), mutex);
  assert.is(region.allocate(32, KIND_MUTEX), mutex);
  assert.is(region.memory.words[mutex >> 2], RETIRED);
});

/** All that may happen in the allocator: fresh, from a list, by splitting, releasing. */
const scenes: Record<string, (region: Region) => () => void> = {
  "allocating fresh memory": (region) => () => region.allocate(200, KIND_RAW),
  "allocating from a free list": (region) => {
    region.release(region.allocate(200, KIND_RAW));
    return () => region.allocate(200, KIND_RAW);
  },
  "splitting a larger block": (region) => {
    const large = region.allocate(44_000, KIND_RAW);
    while (region.stats().bytesLeft >= 64) region.allocate(0, KIND_RAW);
    region.release(large);
    return () => region.allocate(200, KIND_RAW);
  },
  releasing: (region) => {
    const at = region.allocate(200, KIND_RAW);
    return () => region.release(at);
  },
  "releasing memory of a mutex": (region) => {
    const at = region.allocate(32, KIND_MUTEX);
    return () => region.release(at);
  },
};

for (const [name, prepare] of Object.entries(scenes)) {
  test(`a death at any step of ${name} leaves a heap that the next thread puts in order`, () => {
    for (let at = 0; ; at++) {
      const region = small();
      const victim = anotherThread(region);
      const work = prepare(victim);
      const crashed = crashAt(at, work);
      bury(victim);
      checkWhole(region);
      if (!crashed) {
        assert.ok(at > 5);
        break;
      }
    }
  });
}

/** The heap can be walked and used to the last free byte; every free block is found again. */
function checkWhole(region: Region): void {
  const kept = blocksOf(region).filter((block) => block.used);
  region.release(region.allocate(1, KIND_RAW));
  assert.is(region.memory.words[H_ALLOCATOR_LOCK], 0, "repaired, marked and released");
  const free = blocksOf(region).filter((block) => !block.used);
  const taken = new Set<number>();
  const listed = listedBlocks(region);
  for (const { at } of free) assert.ok(listed.has(at - BLOCK_HEADER_BYTES), "a free block is in a list");
  assert.is(listed.size, free.length);
  for (;;) {
    try {
      const at = region.allocate(0, KIND_RAW);
      assert.not.ok(taken.has(at) || kept.some((block) => block.at === at), "a block was given twice");
      taken.add(at);
    } catch {
      break;
    }
  }
}

function listedBlocks(region: Region): Set<number> {
  const { words } = region.memory;
  const listed = new Set<number>();
  for (let list = 0; list < 128; list++) {
    for (let block = words[H_FREE_LISTS + list]; block !== 0; block = words[(block >> 2) + 4]) {
      assert.not.ok(listed.has(block), "a block is in two lists");
      assert.is(words[(block >> 2) + B_STATE], BLOCK_FREE);
      listed.add(block);
    }
  }
  return listed;
}

test("a repair that fails says so to this thread and to all others, and blocks nobody", () => {
  const region = small();
  const victim = anotherThread(region);
  const at = region.allocate(100, KIND_RAW);
  assert.ok(crashAt(3, () => victim.allocate(100, KIND_RAW)));
  bury(victim);
  region.memory.words[(at - BLOCK_HEADER_BYTES) >> 2] = -5;
  const code = (): string => codeOf(() => region.allocate(1, KIND_RAW));
  assert.is(code(), "ERR_REGION_CORRUPT");
  assert.is(code(), "ERR_NOT_RECOVERABLE");
});

test.run();
