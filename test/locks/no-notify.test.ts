// A wake costs tens of nanoseconds even if nobody sleeps: no lock calls Atomics.notify unless its words say that someone
// may. Counted with Atomics.notify patched, over every backend that parks by Atomics.

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

const test = suite("no notify without a waiter");

/** How often `work` calls Atomics.notify. */
async function notifies(work: () => unknown): Promise<number> {
  const real = Atomics.notify;
  let calls = 0;
  Atomics.notify = ((array: Int32Array, index: number, count?: number) => {
    calls++;
    return real(array, index, count);
  }) as typeof Atomics.notify;
  try {
    await work();
    return calls;
  } finally {
    Atomics.notify = real;
  }
}

const exclusive = async (lock: Mutex | ReentrantMutex): Promise<void> => {
  lock.lock();
  lock.unlock();
  lock.lock().release();
  lock.tryLock()?.release();
  lock.tryLock({ timeout: 5 })?.release();
  lock.withLock(() => undefined);
  (await lock.lockAsync()).release();
  await lock.withLockAsync(() => undefined);
};

const shared = async (lock: RwLock | StampedLock): Promise<void> => {
  lock.read().release();
  lock.write().release();
  lock.tryRead()?.release();
  lock.tryWrite()?.release();
  const [one, two] = [lock.read(), lock.read()];
  two.release();
  one.release();
  (await lock.readAsync()).release();
  (await lock.writeAsync()).release();
};

/** What is done with each lock, which nobody else waits for. */
const uses: Record<string, (region: Region) => () => unknown> = {
  Mutex: (region) => {
    const lock = new Mutex({ region });
    return () => exclusive(lock);
  },
  "Mutex, fair": (region) => {
    const lock = new Mutex({ region, fair: true });
    return () => exclusive(lock);
  },
  ReentrantMutex: (region) => {
    const lock = new ReentrantMutex({ region });
    return async () => {
      await exclusive(lock);
      lock.lock();
      lock.lock();
      lock.unlock();
      lock.unlock();
    };
  },
  RwLock: (region) => {
    const lock = new RwLock({ region });
    return async () => {
      await shared(lock);
      lock.write().downgrade().release();
      lock.upgradable().upgrade().release();
    };
  },
  StampedLock: (region) => {
    const lock = new StampedLock({ region });
    return async () => {
      await shared(lock);
      lock.validate(lock.optimisticRead());
    };
  },
  Condition: (region) => {
    const lock = new Mutex({ region });
    const condition = new Condition(lock, { region });
    return () => {
      lock.withLock(() => {
        condition.notify();
        condition.notify(3);
        condition.notifyAll();
      });
    };
  },
  Semaphore: (region) => {
    const semaphore = new Semaphore({ region, permits: 3 });
    return async () => {
      semaphore.acquire();
      semaphore.acquire(2);
      semaphore.release(3);
      semaphore.tryAcquire(2);
      semaphore.release(2);
      await semaphore.acquireAsync();
      semaphore.release();
    };
  },
  "Semaphore, owned": (region) => {
    const semaphore = new Semaphore({ region, permits: 3, owned: true });
    return () => {
      semaphore.acquire(2);
      semaphore.release(2);
    };
  },
  "Semaphore, fair": (region) => {
    const semaphore = new Semaphore({ region, permits: 3, fair: true });
    return () => {
      semaphore.acquire(2);
      semaphore.release(2);
    };
  },
  Event: (region) => {
    const event = new Event({ region });
    return () => {
      event.set();
      event.wait();
      event.clear();
    };
  },
  Latch: (region) => () => {
    const latch = new Latch({ region, count: 2 });
    latch.countDown();
    latch.countDown();
    latch.wait();
  },
  Barrier: (region) => {
    const barrier = new Barrier({ region, parties: 1 });
    return () => barrier.wait();
  },
  Once: (region) => () => {
    const once = new Once({ region });
    once.call(() => undefined);
    once.call(() => undefined);
  },
};

const regions: Record<string, () => Region> = {
  wasm: () => Region.create({ parking: "atomics" }),
  js: () => Region.create({ parking: "atomics", wasm: false }),
  buffer: () => Region.over(new SharedArrayBuffer(1 << 20), 0, 1 << 20, { parking: "atomics" }),
};

for (const [backend, create] of Object.entries(regions)) {
  const region = create();
  for (const [name, prepare] of Object.entries(uses)) {
    test(`${name} (${backend})`, async () => {
      const use = prepare(region);
      assert.is(await notifies(use), 0);
      assert.is(await notifies(use), 0, "again");
    });
  }
}

test("with a waiter it is called: the count counts", async () => {
  const region = Region.create({ parking: "atomics" });
  const lock = new Mutex({ region });
  const calls = await notifies(async () => {
    const guard = lock.lock();
    const second = lock.lockAsync();
    await Promise.resolve();
    guard.release();
    (await second).release();
  });
  assert.ok(calls > 0);
});

test.run();
