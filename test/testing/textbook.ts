// Textbook protocols, right and wrong, in the plainest form: what the checker must pass and what it must catch.
// Each takes its words from one Int32Array; thread code only, no classes.

/** FREE 0 | HELD 1. Right, if nobody dies: spins. */
export function spinLock(w: Int32Array, at: number): void {
  while (Atomics.compareExchange(w, at, 0, 1) !== 0) while (Atomics.load(w, at) !== 0);
}

export function spinUnlock(w: Int32Array, at: number): void {
  Atomics.store(w, at, 0);
}

/** FREE 0 | HELD 1 | HELD_WAITERS 2 (Drepper, "Futexes are tricky", mutex 2). Right. */
export function futexLock(w: Int32Array, at: number, timeout = Infinity): void {
  if (Atomics.compareExchange(w, at, 0, 1) === 0) return;
  while (Atomics.exchange(w, at, 2) !== 0) Atomics.wait(w, at, 2, timeout);
}

export function futexUnlock(w: Int32Array, at: number): void {
  if (Atomics.exchange(w, at, 0) === 2) Atomics.notify(w, at, 1);
}

/** Wrong: a waiter that takes the lock forgets that others may still sleep. */
export function forgetfulLock(w: Int32Array, at: number): void {
  for (;;) {
    const v = Atomics.compareExchange(w, at, 0, 1);
    if (v === 0) return;
    if (v === 2 || Atomics.compareExchange(w, at, 1, 2) === 1) Atomics.wait(w, at, 2);
  }
}

/** Wrong: check, then act. */
export function checkThenSetLock(w: Int32Array, at: number): void {
  for (;;) {
    if (Atomics.load(w, at) === 0) {
      Atomics.store(w, at, 1);
      return;
    }
    Atomics.wait(w, at, 1);
  }
}

/** Condition variable on a sequence word. Right: a notify between unlock and wait changes the sequence. */
export function sequenceWait(w: Int32Array, lock: number, sequence: number): void {
  const seen = Atomics.load(w, sequence);
  futexUnlock(w, lock);
  Atomics.wait(w, sequence, seen);
  futexLock(w, lock);
}

export function sequenceNotify(w: Int32Array, sequence: number): void {
  Atomics.add(w, sequence, 1);
  Atomics.notify(w, sequence, 1);
}

/** Wrong: no sequence word. A notify between unlock and wait is lost. */
export function bareWait(w: Int32Array, lock: number, cell: number): void {
  futexUnlock(w, lock);
  Atomics.wait(w, cell, 0);
  futexLock(w, lock);
}

/** Wrong in its order: the sequence is read after the lock was given up. */
export function lateSequenceWait(w: Int32Array, lock: number, sequence: number): void {
  futexUnlock(w, lock);
  const seen = Atomics.load(w, sequence);
  Atomics.wait(w, sequence, seen);
  futexLock(w, lock);
}

/** Counting semaphore. Right: release always notifies. */
export function acquire(w: Int32Array, at: number): void {
  for (;;) {
    const v = Atomics.load(w, at);
    if (v > 0) {
      if (Atomics.compareExchange(w, at, v, v - 1) === v) return;
    } else {
      Atomics.wait(w, at, 0);
    }
  }
}

export function release(w: Int32Array, at: number): void {
  Atomics.add(w, at, 1);
  Atomics.notify(w, at, 1);
}

/** Wrong: notifies only if the value was zero. The second of two quick releases wakes nobody. */
export function releaseFromZero(w: Int32Array, at: number): void {
  if (Atomics.add(w, at, 1) === 0) Atomics.notify(w, at, 1);
}

/** Readers count up, a writer is -1. Right: one compare-exchange decides. */
export function readLock(w: Int32Array, at: number): void {
  for (;;) {
    const v = Atomics.load(w, at);
    if (v >= 0 && Atomics.compareExchange(w, at, v, v + 1) === v) return;
    if (v < 0) Atomics.wait(w, at, v);
  }
}

/** Wrong: looks for a writer, then counts itself in. */
export function readLockCheckThenAdd(w: Int32Array, at: number): void {
  for (;;) {
    const v = Atomics.load(w, at);
    if (v >= 0) {
      Atomics.add(w, at, 1);
      return;
    }
    Atomics.wait(w, at, v);
  }
}

export function readUnlock(w: Int32Array, at: number): void {
  Atomics.sub(w, at, 1);
  Atomics.notify(w, at);
}

export function writeLock(w: Int32Array, at: number): void {
  for (;;) {
    const v = Atomics.compareExchange(w, at, 0, -1);
    if (v === 0) return;
    Atomics.wait(w, at, v);
  }
}

export function writeUnlock(w: Int32Array, at: number): void {
  Atomics.add(w, at, 1);
  Atomics.notify(w, at);
}

export function view(words: number, ...initial: number[]): Int32Array {
  const made = new Int32Array(new SharedArrayBuffer(words * 4));
  made.set(initial);
  return made;
}
