// Broken versions of the barrier and the semaphore: each is one patch of the compiled code, and how it must fail.
import type { Mutant } from "../model.ts";

const LOST: Mutant["expect"] = ["lost-wakeup", "deadlock"];
const TWICE = "semaphore: two takers and 2 single releases";

export const barrierMutants: readonly Mutant[] = [
  {
    name: "barrier: the last to arrive wakes nobody",
    file: "locks/barrier.js",
    find: 'if (look === "passed" && arrival.index !== 0)\n                this.wake();',
    replace: "",
    model: "barrier: 2 threads × 1",
    expect: LOST,
  },
  {
    name: "barrier: the count of arrivals is left as it is",
    file: "protocols/barrier.js",
    find: "store(words, index + ARRIVED, 0);\n    store(words, index + STATUS, WHOLE);",
    replace: "store(words, index + STATUS, WHOLE);",
    model: "barrier: 2 threads × 2",
    expect: ["exception", "lost-wakeup", "deadlock", "livelock"],
  },
  {
    name: "barrier: the last of the usual arrivals wakes nobody",
    file: "protocols/barrier.js",
    find: "if (parties > 1)\n        wakeAll(words, index + GEN);",
    replace: "",
    model: "barrier: 2 threads × 1",
    expect: LOST,
  },
  {
    name: "barrier: a usual arrival does not tell what it owes",
    file: "protocols/barrier.js",
    find: "poke(words, seatAt + T_TICKET, unlock(words, index, me));",
    replace: "unlock(words, index, me);",
    model: "barrier: 2 threads × 1",
    expect: LOST,
  },
  {
    name: "barrier: a sleeper takes a broken generation for a passed one",
    file: "protocols/barrier.js",
    find: "return load(words, index + ENDED) === peek(words, seatAt + T_WAITING) ? 1 : 0;",
    replace: "return 1;",
    model: "barrier: a reset beside a thread",
    expect: ["final"],
  },
  {
    name: "barrier: let through one too early",
    file: "locks/barrier.js",
    find: "load(words, this.index + PARTIES) - 1;",
    replace: "load(words, this.index + PARTIES) - 2;",
    model: "barrier: 2 threads × 1",
    expect: ["exception", "race", "lost-wakeup", "final"],
  },
  {
    name: "barrier: a time-out breaks whatever generation there is",
    file: "locks/barrier.js",
    find: "if (load(words, this.index + GEN) !== arrival.generation)\n                return false;",
    replace: "",
    model: "barrier: a thread with a time-out, one without",
    expect: ["final"],
  },
];

export const semaphoreMutants: readonly Mutant[] = [
  {
    name: "semaphore: a spin that saw a permit does not take it",
    file: "protocols/semaphore.js",
    find: "if (acquireFast(words, index, n) !== 0)\n            return used + 1;",
    replace: "if (load(words, index + VALUE) >= n)\n            return used + 1;",
    model: "semaphore: 2 threads × 2, spinning",
    expect: ["race", "exception"],
  },
  {
    name: "semaphore: a release wakes nobody",
    file: "protocols/semaphore.js",
    find: "return wakesOfRelease(words, index, keep ? 1 : 0);",
    replace: "return WAKE_NOBODY;",
    model: "semaphore: 2 threads × 2",
    expect: LOST,
  },
  {
    name: "semaphore: a woken taker drops the announcement of the others",
    file: "protocols/semaphore.js",
    find: "slept !== 0 ? (word - n) | WAITERS : word - n;",
    replace: "word - n;",
    model: TWICE,
    expect: LOST,
  },
  {
    name: "semaphore: a woken taker does not pass on what is left",
    file: "protocols/semaphore.js",
    find: "if (word >= 0 || (word & PERMITS) === 0)",
    replace: "if (words.length > 0)",
    model: TWICE,
    expect: LOST,
  },
  {
    name: "semaphore: the usual release wakes nobody",
    file: "protocols/semaphore.js",
    find: "    wake(words, index + VALUE, n);\n",
    replace: "",
    model: "semaphore: 2 threads × 2",
    expect: LOST,
  },
  {
    name: "semaphore: a thread that took after a sleep owes nobody a wake",
    file: "protocols/semaphore.js",
    find: "return TOOK | (afterWait(words, index, 0) << 1);",
    replace: "return TOOK;",
    model: TWICE,
    expect: LOST,
  },
  {
    name: "semaphore: check, then take",
    file: "protocols/semaphore.js",
    find: "const seen = cas(words, index + VALUE, word, word - n);",
    replace: "const seen = (Atomics.store(words, index + VALUE, word - n), word);",
    model: "semaphore: 2 threads × 2",
    expect: ["race", "lost-wakeup", "final"],
  },
  {
    name: "semaphore: what the dead hold is not given back",
    file: "locks/semaphore-holders.js",
    find: "if (!isAlive(words, owner) ||",
    replace: "if (false &&",
    model: "semaphore: owned, 2 threads × 1, a death",
    expect: ["livelock", "lost-wakeup", "deadlock", "endless"],
  },
];
