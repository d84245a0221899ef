// What threads wait for each other with, of every subject: monitors (a lock and two conditions), read-write locks,
// semaphores and barriers. The textbook ones are what users write today, over the three-state futex lock: right, and
// without owner, time-out or recovery.

import { Barrier, Condition, Mutex, RwLock, type RwLockHandle, Semaphore } from "../../src/index.ts";
import { threeStateFutexLock } from "./hand-written.ts";
import { regionOf } from "./locks.ts";
import { arrived, multithreading, sent } from "./multithreading.ts";

const PEER = "multithreading";
export const TEXTBOOK = "textbook";

/** A kind of object: how one is made, and how another thread opens it. */
export interface Kind<T> {
  make(subject: string, n: number): Promise<unknown>;
  open(subject: string, data: unknown): Promise<T>;
}

function words(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * count));
}

export interface Monitor {
  lock(): unknown;
  unlock(): void;
  /** Waits on the condition 0 or 1. */
  wait(which: number): void;
  notify(which: number): void;
  notifyAll(which: number): void;
}

export const monitors: Kind<Monitor> = {
  async make(subject) {
    if (subject === TEXTBOOK) return words(64);
    if (subject === PEER) {
      const { Mutex: PeerMutex, Condvar } = await multithreading();
      return [new PeerMutex(), new Condvar(), new Condvar()].map(sent);
    }
    const mutex = new Mutex({ region: regionOf(subject) });
    return [mutex.share(), new Condition(mutex).share(), new Condition(mutex).share()];
  },
  async open(subject, data) {
    if (subject === TEXTBOOK) return textbookMonitor(data as Int32Array);
    if (subject === PEER) return await peerMonitor(data as unknown[]);
    const [lock, first, second] = data as [ReturnType<Mutex["share"]>, ...ReturnType<Condition["share"]>[]];
    const mutex = Mutex.from(lock);
    const conditions = [Condition.from(first, mutex), Condition.from(second, mutex)];
    return {
      lock: () => mutex.lock(),
      unlock: () => mutex.unlock(),
      wait: (which) => conditions[which].wait(),
      notify: (which) => conditions[which].notify(),
      notifyAll: (which) => conditions[which].notifyAll(),
    };
  },
};

/** Conditions by a sequence, which is read before the lock is given back. */
function textbookMonitor(cells: Int32Array): Monitor {
  const { lock, unlock } = threeStateFutexLock(cells);
  const sequence = [16, 32];
  return {
    lock,
    unlock,
    wait: (which) => {
      const seen = Atomics.load(cells, sequence[which]);
      unlock();
      Atomics.wait(cells, sequence[which], seen);
      lock();
    },
    notify: (which) => {
      Atomics.add(cells, sequence[which], 1);
      Atomics.notify(cells, sequence[which], 1);
    },
    notifyAll: (which) => {
      Atomics.add(cells, sequence[which], 1);
      Atomics.notify(cells, sequence[which]);
    },
  };
}

async function peerMonitor(data: unknown[]): Promise<Monitor> {
  const peer = await multithreading();
  const mutex = arrived<InstanceType<typeof peer.Mutex>>(peer.Mutex, data[0]);
  const conditions = data.slice(1).map((one) => arrived<InstanceType<typeof peer.Condvar>>(peer.Condvar, one));
  let guard = mutex.blockingLock();
  guard.dispose();
  return {
    lock: () => {
      guard = mutex.blockingLock();
    },
    unlock: () => guard.dispose(),
    wait: (which) => conditions[which].blockingWait(guard),
    notify: (which) => conditions[which].notifyOne(),
    notifyAll: (which) => conditions[which].notifyAll(),
  };
}

export interface ReadWrite {
  read(): void;
  endRead(): void;
  write(): void;
  endWrite(): void;
}

export const readWriteLocks: Kind<ReadWrite> = {
  async make(subject) {
    if (subject === TEXTBOOK) return words(16);
    if (subject === PEER) return sent(new (await multithreading()).RwLock());
    return new RwLock({ region: regionOf(subject) }).share();
  },
  async open(subject, data) {
    if (subject === TEXTBOOK) return textbookReadWrite(data as Int32Array);
    if (subject === PEER) {
      const peer = await multithreading();
      const lock = arrived<InstanceType<typeof peer.RwLock>>(peer.RwLock, data);
      return guarded(
        () => lock.blockingRead(),
        () => lock.blockingWrite(),
        (guard) => guard.dispose(),
      );
    }
    const lock = RwLock.from(data as RwLockHandle);
    return guarded(
      () => lock.read(),
      () => lock.write(),
      (guard) => guard.release(),
    );
  },
};

function guarded<R, W>(read: () => R, write: () => W, end: (guard: R | W) => void): ReadWrite {
  let guard: R | W;
  const release = (): void => end(guard);
  return {
    read: () => {
      guard = read();
    },
    endRead: release,
    write: () => {
      guard = write();
    },
    endWrite: release,
  };
}

/** 0 free, n readers, -1 a writer; everyone is woken by whoever leaves last. Readers overtake writers. */
function textbookReadWrite(cells: Int32Array): ReadWrite {
  const leave = (state: number): void => {
    if (state === 0) Atomics.notify(cells, 0);
  };
  return {
    read: () => {
      for (;;) {
        const state = Atomics.load(cells, 0);
        if (state < 0) Atomics.wait(cells, 0, state);
        else if (Atomics.compareExchange(cells, 0, state, state + 1) === state) return;
      }
    },
    endRead: () => leave(Atomics.sub(cells, 0, 1) - 1),
    write: () => {
      for (;;) {
        const state = Atomics.compareExchange(cells, 0, 0, -1);
        if (state === 0) return;
        Atomics.wait(cells, 0, state);
      }
    },
    endWrite: () => {
      Atomics.store(cells, 0, 0);
      leave(0);
    },
  };
}

export interface Permits {
  acquire(): unknown;
  release(): void;
}

export const semaphores: Kind<Permits> = {
  async make(subject, n) {
    if (subject === TEXTBOOK) {
      const cells = words(16);
      cells[0] = n;
      return cells;
    }
    if (subject === PEER) return sent(new (await multithreading()).Semaphore(n));
    return new Semaphore({ region: regionOf(subject), permits: n }).share();
  },
  async open(subject, data) {
    if (subject === TEXTBOOK) return textbookSemaphore(data as Int32Array);
    if (subject === PEER) return await peerSemaphore(data);
    return Semaphore.from(data as ReturnType<Semaphore["share"]>);
  },
};

/** Permits, and how many sleep for one: nobody is notified if nobody does. */
function textbookSemaphore(cells: Int32Array): Permits {
  return {
    acquire: () => {
      for (;;) {
        const permits = Atomics.load(cells, 0);
        if (permits > 0) {
          if (Atomics.compareExchange(cells, 0, permits, permits - 1) === permits) return;
          continue;
        }
        Atomics.add(cells, 1, 1);
        Atomics.wait(cells, 0, 0);
        Atomics.sub(cells, 1, 1);
      }
    },
    release: () => {
      Atomics.add(cells, 0, 1);
      if (Atomics.load(cells, 1) !== 0) Atomics.notify(cells, 0, 1);
    },
  };
}

/** A release without an acquire is not in the package's interface: its controller is what its own channel uses. */
async function peerSemaphore(data: unknown): Promise<Permits> {
  const peer = await multithreading();
  const semaphore = arrived<InstanceType<typeof peer.Semaphore>>(peer.Semaphore, data);
  const inner = Object.getOwnPropertySymbols(Object.getPrototypeOf(semaphore)).find((symbol) =>
    symbol.description?.includes("Controller"),
  ) as symbol;
  const controller = (semaphore as unknown as Record<symbol, { release(n: number): void }>)[inner];
  return { acquire: () => semaphore.blockingAcquire(), release: () => controller.release(1) };
}

export interface Meeting {
  wait(): unknown;
}

export const barriers: Kind<Meeting> = {
  async make(subject, n) {
    if (subject === TEXTBOOK) {
      const cells = words(32);
      cells[1] = n;
      return cells;
    }
    if (subject === PEER) return sent(new (await multithreading()).Barrier(n));
    return new Barrier({ region: regionOf(subject), parties: n }).share();
  },
  async open(subject, data) {
    if (subject === TEXTBOOK) return textbookBarrier(data as Int32Array);
    if (subject === PEER) {
      const peer = await multithreading();
      const barrier = arrived<InstanceType<typeof peer.Barrier>>(peer.Barrier, data);
      return { wait: () => barrier.blockingWait() };
    }
    return Barrier.from(data as ReturnType<Barrier["share"]>);
  },
};

/** How many have come, and the generation that they sleep on. */
function textbookBarrier(cells: Int32Array): Meeting {
  return {
    wait: () => {
      const generation = Atomics.load(cells, 16);
      if (Atomics.add(cells, 0, 1) + 1 === cells[1]) {
        Atomics.store(cells, 0, 0);
        Atomics.add(cells, 16, 1);
        Atomics.notify(cells, 16);
        return;
      }
      while (Atomics.load(cells, 16) === generation) Atomics.wait(cells, 16, generation);
    },
  };
}
