// What users write by hand today, as rivals: a two-state spin lock, and a textbook three-state futex lock (Drepper). No
// owner, no time-out, no recovery: the floor of what a blocking lock costs in JavaScript.

export interface Rival {
  lock(): void;
  unlock(): void;
}

/** Two states and a loop: wastes a core while it waits, and hangs for ever if the holder dies. */
export function twoStateSpinLock(words: Int32Array): Rival {
  return {
    lock: () => {
      while (Atomics.compareExchange(words, 0, 0, 1) !== 0);
    },
    unlock: () => {
      Atomics.store(words, 0, 0);
    },
  };
}

/** 0 free, 1 held, 2 held and perhaps awaited. */
export function threeStateFutexLock(words: Int32Array): Rival {
  return {
    lock: () => {
      let state = Atomics.compareExchange(words, 0, 0, 1);
      if (state === 0) return;
      if (state !== 2) state = Atomics.exchange(words, 0, 2);
      while (state !== 0) {
        Atomics.wait(words, 0, 2);
        state = Atomics.exchange(words, 0, 2);
      }
    },
    unlock: () => {
      if (Atomics.sub(words, 0, 1) === 1) return;
      Atomics.store(words, 0, 0);
      Atomics.notify(words, 0, 1);
    },
  };
}
