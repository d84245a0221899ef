// Handles: what share() gives is what from() takes, of each class, for the compiler too; and of no other class.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  Barrier,
  Condition,
  Event,
  Latch,
  Mutex,
  Once,
  ReentrantMutex,
  Region,
  RwLock,
  Semaphore,
  StampedLock,
} from "../../src/index.ts";
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

const test = suite("tables/handles");
const region = Region.create();
const mutex = new Mutex({ region });
const table = new SharedTable({ region, key: "i32", columns: { count: "u32", name: "string" } });

/** Two objects of each class: the second one came from the first one's handle. No handle is cast: `from` takes it as it is. */
const pairs: readonly { share(): object }[][] = [
  [mutex, Mutex.from(structuredClone(mutex.share()))],
  pairOf(new ReentrantMutex({ region }), (lock) => ReentrantMutex.from(structuredClone(lock.share()))),
  pairOf(new RwLock({ region }), (lock) => RwLock.from(structuredClone(lock.share()))),
  pairOf(new StampedLock({ region }), (lock) => StampedLock.from(structuredClone(lock.share()))),
  pairOf(new Condition(mutex), (condition) => Condition.from(structuredClone(condition.share()), mutex)),
  pairOf(new Semaphore({ region, permits: 1 }), (semaphore) => Semaphore.from(structuredClone(semaphore.share()))),
  pairOf(new Event({ region }), (event) => Event.from(structuredClone(event.share()))),
  pairOf(new Latch({ region, count: 1 }), (latch) => Latch.from(structuredClone(latch.share()))),
  pairOf(new Barrier({ region, parties: 1 }), (barrier) => Barrier.from(structuredClone(barrier.share()))),
  pairOf(new Once({ region }), (once) => Once.from(structuredClone(once.share()))),
  [table, SharedTable.from(structuredClone(table.share()))],
  pairOf(new SharedMap({ region }), (map) => SharedMap.from(structuredClone(map.share()))),
  pairOf(new SharedSet({ region }), (set) => SharedSet.from(structuredClone(set.share()))),
  pairOf(new SharedMultiMap({ region }), (map) => SharedMultiMap.from(structuredClone(map.share()))),
  pairOf(new SharedQueue({ region, capacity: 16 }), (queue) => SharedQueue.from(structuredClone(queue.share()))),
  pairOf(new SharedLog({ region, capacity: 16 }), (log) => SharedLog.from(structuredClone(log.share()))),
  pairOf(new SharedCounter({ region }), (counter) => SharedCounter.from(structuredClone(counter.share()))),
  pairOf(new StringPool({ region }), (pool) => StringPool.from(structuredClone(pool.share()))),
];

function pairOf<T extends { share(): object }>(made: T, attach: (made: T) => T): T[] {
  return [made, attach(made)];
}

test("the object of a handle is the one that gave it", () => {
  for (const [made, attached] of pairs) {
    assert.is(attached.constructor, made.constructor);
    assert.equal(attached.share(), made.share(), made.constructor.name);
  }
});

test("another class does not take it", () => {
  type FromHandle = { from(handle: object, lock?: Mutex): unknown };
  for (const [made] of pairs) {
    for (const [other] of pairs) {
      if (other === made) continue;
      const { from } = other.constructor as unknown as FromHandle;
      const names = `${other.constructor.name}.from(a handle of ${made.constructor.name})`;
      assert.throws(() => from.call(other.constructor, made.share(), mutex), /needs|is not|kind|ERR_/, names);
    }
  }
});

test("a table's types come along with its handle", () => {
  const attached = SharedTable.from(table.share());
  attached.set(7, { count: 1, name: "seven" });
  const row: { count: number; name: string } | undefined = table.get(7);
  assert.equal(row, { count: 1, name: "seven" });
});

test.run();
