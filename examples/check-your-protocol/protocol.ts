// A mutex in twenty lines, and the mistake that most first versions of it have.
//
// Word: FREE 0 | HELD 1 | HELD_WAITERS 2: held, and some thread may sleep on the word.

const FREE = 0;
const HELD = 1;
const HELD_WAITERS = 2;

/** Broken: whoever was woken takes the lock as HELD, although others may still sleep; nobody will wake them. */
export function brokenLock(word: Int32Array): void {
  for (;;) {
    const seen = Atomics.compareExchange(word, 0, FREE, HELD);
    if (seen === FREE) return;
    if (seen === HELD_WAITERS || Atomics.compareExchange(word, 0, HELD, HELD_WAITERS) !== FREE) {
      Atomics.wait(word, 0, HELD_WAITERS);
    }
  }
}

/** Fixed: whoever had to wait takes the lock as HELD_WAITERS, so that its unlock wakes the next one. */
export function fixedLock(word: Int32Array): void {
  if (Atomics.compareExchange(word, 0, FREE, HELD) === FREE) return;
  while (Atomics.exchange(word, 0, HELD_WAITERS) !== FREE) Atomics.wait(word, 0, HELD_WAITERS);
}

export function unlock(word: Int32Array): void {
  if (Atomics.exchange(word, 0, FREE) === HELD_WAITERS) Atomics.notify(word, 0, 1);
}
