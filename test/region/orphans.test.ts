// Objects of threads that died before they gave a handle of them away: they are given back, and nothing else is.

import * as assert from "uvu/assert";
import {
  Barrier,
  Condition,
  Event,
  Latch,
  Mutex,
  Once,
  ReentrantMutex,
  RwLock,
  Semaphore,
  StampedLock,
} from "../../src/index.ts";
import { walkHeap } from "../../src/region/heap.ts";
import { BLOCK_USED, KIND_RAW } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import {
  SharedCounter,
  SharedLog,
  SharedMap,
  SharedMultiMap,
  SharedQueue,
  SharedSet,
  SharedTable,
  StringPool,
} from "../../src/tables/index.ts";
import { anotherThread, bury, crashAt, vanish } from "../support/crash.ts";
import { suite } from "../support/suite.ts";
import { codeOf } from "../support/thrown.ts";

const test = suite("objects of the dead");

const KEYS = Array.from({ length: 12 }, (_, i) => `key ${i}`);

/** Makes an object without a name, and uses it: so it has parts. */
const makers: Record<string, (region: Region) => { share(): unknown }> = {
  Mutex: (region) => new Mutex({ region }),
  "fair Mutex": (region) => new Mutex({ region, fair: true }),
  "Mutex that is held": (region) => {
    const mutex = new Mutex({ region });
    mutex.lock();
    return mutex;
  },
  ReentrantMutex: (region) => new ReentrantMutex({ region }),
  RwLock: (region) => new RwLock({ region }),
  "RwLock that is read": (region) => {
    const lock = new RwLock({ region });
    lock.read();
    return lock;
  },
  StampedLock: (region) => new StampedLock({ region }),
  "Condition and its lock": (region) => new Condition(new Mutex({ region })),
  Semaphore: (region) => new Semaphore({ region, permits: 3 }),
  Event: (region) => new Event({ region }),
  Latch: (region) => new Latch({ region, count: 3 }),
  Barrier: (region) => new Barrier({ region, parties: 3 }),
  Once: (region) => new Once({ region }),
  SharedTable: (region) => {
    const table = new SharedTable({ region, key: "string", columns: { n: "i32" } });
    for (const key of KEYS) table.set(key, { n: 1 });
    return table;
  },
  SharedMap: (region) => {
    const map = new SharedMap({ region });
    for (const key of KEYS) map.set(key, key.repeat(60));
    // A row of a slab of its own.
    map.set("large", "x".repeat(30_000));
    return map;
  },
  SharedSet: (region) => {
    const set = new SharedSet({ region });
    set.add("a");
    return set;
  },
  SharedMultiMap: (region) => {
    const map = new SharedMultiMap({ region });
    map.add("a", "b");
    return map;
  },
  SharedQueue: (region) => {
    const queue = new SharedQueue({ region, capacity: 100 });
    for (const key of KEYS) queue.tryPush(key);
    return queue;
  },
  SharedLog: (region) => {
    const log = new SharedLog({ region, capacity: 100 });
    for (const key of KEYS) log.append(key);
    return log;
  },
  SharedCounter: (region) => new SharedCounter({ region }),
  StringPool: (region) => {
    const pool = new StringPool({ region });
    for (const key of KEYS) pool.intern(key);
    return pool;
  },
};

const regionFor = (): Region => Region.over(new SharedArrayBuffer(1 << 20), 0, 1 << 20, { maxThreads: 8 });

/** A region in which a thread that lives and one that died have used every kind: each has its scratch area. */
function usedRegion(): Region {
  const region = regionFor();
  for (const view of [region, anotherThread(region)]) {
    const map = new SharedMap({ region: view });
    map.set("a", "b");
    map.get("a");
    map.free();
    if (view !== region) bury(view);
  }
  return region;
}

for (const [name, make] of Object.entries(makers)) {
  test(`${name}: given back if its maker dies before it gave a handle away`, () => {
    const region = usedRegion();
    const before = region.stats().bytesUsed;
    for (let k = 0; k < 3; k++) {
      const victim = anotherThread(region);
      make(victim);
      assert.ok(region.stats().bytesUsed > before, "a thread that lives keeps what it made");
      bury(victim);
      assert.is(region.stats().bytesUsed, before);
    }
  });

  test(`${name}: stays if its maker gave a handle away`, () => {
    const region = usedRegion();
    const before = region.stats().bytesUsed;
    const victim = anotherThread(region);
    const object = make(victim);
    const whole = region.stats().bytesUsed;
    object.share();
    bury(victim);
    // The lock of a condition, which the maker kept, is given back.
    const kept = name.startsWith("Condition") ? whole - 128 : whole;
    assert.is(region.stats().bytesUsed, kept);
    assert.ok(kept > before);
  });

  test(`${name}: a death at many a step of making it leaves nothing`, () => {
    const region = usedRegion();
    const before = region.stats().bytesUsed;
    for (let at = 0; ; at = at < 30 ? at + 1 : Math.ceil(at * 1.3)) {
      const victim = anotherThread(region);
      const crashed = crashAt(at, () => make(victim));
      bury(victim);
      assert.is(region.stats().bytesUsed, before, `after a death at step ${at}`);
      if (!crashed) break;
    }
  });
}

test("an object with a name stays", () => {
  const region = usedRegion();
  const victim = anotherThread(region);
  Mutex.named("m", { region: victim });
  SharedMap.named("map", { region: victim }).set("a", "b");
  StringPool.named("pool", { region: victim }).intern("x");
  bury(victim);
  void region.stats();
  assert.is(Mutex.named("m", { region }).locked, false);
  assert.is(SharedMap.named("map", { region }).get("a"), "b");
  assert.is(StringPool.named("pool", { region }).get(0), "x");
});

test("what is given away works on after its maker's death", () => {
  const region = usedRegion();
  const victim = anotherThread(region);
  const map = new SharedMap({ region: victim });
  const pool = new StringPool({ region: victim });
  const mutex = new Mutex({ region: victim, fair: true });
  map.set("a", "b");
  pool.intern("x");
  const handles = [map.share(), pool.share(), mutex.share()] as const;
  bury(victim);
  void region.stats();
  fill(region);
  assert.is(SharedMap.from(handles[0]).get("a"), "b");
  assert.is(StringPool.from(handles[1]).get(0), "x");
  assert.is(Mutex.from(handles[2]).fair, true);
});

/** Takes all memory that is left in small blocks. */
function fill(region: Region): number {
  for (let count = 0; ; count++) if (codeOf(() => region.allocate(0, KIND_RAW)) !== "nothing") return count;
}

test("a death at any step of giving back leaves the rest to the next one", () => {
  for (let at = 0; ; at++) {
    const region = usedRegion();
    const before = region.stats().bytesUsed;
    const [maker, sweeper] = [anotherThread(region), anotherThread(region)];
    makers.SharedMap(maker);
    makers["fair Mutex"](maker);
    bury(maker);
    const crashed = crashAt(at, () => sweeper.stats());
    bury(sweeper);
    assert.is(region.stats().bytesUsed, before, `after a death at step ${at}`);
    let used = 0;
    walkHeap(region, (_, bytes, state) => void (used += state === BLOCK_USED ? bytes : 0));
    assert.is(used, before);
    if (!crashed) break;
  }
});

test("a full region asks those that may have died unheard", () => {
  const region = usedRegion();
  const victim = anotherThread(region);
  for (let k = 0; k < 10; k++) new Mutex({ region: victim });
  const { deaths } = region;
  vanish(victim);
  fill(region);
  assert.is(region.deaths, deaths + 1);
  // Memory of mutexes serves mutexes only.
  for (let k = 0; k < 10; k++) new Mutex({ region });
  assert.is(
    codeOf(() => new Mutex({ region })),
    "ERR_REGION_FULL",
  );
});

test("10,000 objects of 100 makers that died do not fill a region that has room for fewer", () => {
  const region = usedRegion();
  for (let k = 0; k < 100; k++) {
    const victim = anotherThread(region);
    for (let n = 0; n < 100; n++) new Mutex({ region: victim });
    bury(victim);
  }
  assert.is(new Mutex({ region }).locked, false);
});

test.run();
