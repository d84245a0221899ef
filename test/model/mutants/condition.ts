// Broken versions of the shipped wait nodes: each is one patch of the compiled code, and the failure that it must give.
import type { Mutant } from "../model.ts";

const NODES = "protocols/wait-nodes.js";
const QUEUE = "region/wait-queue.js";
const LOST: Mutant["expect"] = ["lost-wakeup", "deadlock", "final", "exception"];

export const conditionMutants: readonly Mutant[] = [
  {
    name: "the chosen waiter is not woken",
    file: QUEUE,
    find: "wakeChosen(locker, table, node, lock, chains);\n    return true;",
    replace: "return true;",
    model: "condition: a taker and a giver × 2",
    expect: LOST,
  },
  {
    name: "a release does not pay for what was chosen",
    file: QUEUE,
    find: "if (owedWakes[at] === lock)\n            wakeAll(memory.words, node);",
    replace: "if (owedWakes[at] === lock)\n            continue;",
    model: "condition: a taker and a giver × 2",
    expect: LOST,
  },
  {
    name: "the release does not see that it owes wakes",
    file: "protocols/condition.js",
    find: "const node = signalOldest(words, table);\n    if (node !== 0)\n        announceSleeper(words, lock, me);",
    replace: "const node = signalOldest(words, table);",
    model: "condition: a taker and a giver × 2",
    expect: LOST,
  },
  {
    name: "a wait sleeps without a look whether it was chosen",
    file: "protocols/condition.js",
    find: "park(words, node, waiting, ms);",
    replace: "park(words, node, load(words, node), ms);",
    model: "condition: a taker and a giver × 2",
    expect: LOST,
  },
  {
    name: "a waiter that is chosen frees its node without the lock",
    file: "protocols/condition.js",
    find: "if (tryLock(words, lock, me) === 0)\n        return WAIT_CHOSEN;",
    replace: "",
    model: "condition: a taker and a giver × 2",
    expect: [...LOST, "endless"],
  },
  {
    name: "a time-out goes by the state it saw, without a compare-exchange",
    file: NODES,
    find: "if (cas(words, node, state, 0) !== state)\n        return false;",
    replace: "store(words, node, 0);",
    model: "condition: a waiter with a time-out beside a giver",
    expect: LOST,
  },
  {
    name: "a claim does not move the mark's version",
    file: NODES,
    find: "const next = ((used & ~MARK) + VERSION) | (mark < count ? count : mark);",
    replace: "const next = (used & ~MARK) | (mark < count ? count : mark);",
    model: "condition: a node is claimed while the mark is lowered",
    expect: LOST,
  },
  {
    name: "a leaving waiter drops its signal",
    file: QUEUE,
    find: "if (!isSignaled(state) || !takeSignal(words, node, state, locker.me))\n        return;\n    chooseOldest(locker, table);",
    replace: "if (!isSignaled(state) || !takeSignal(words, node, state, locker.me))\n        return;",
    model: "condition: a chosen waiter leaves: the signal is passed on",
    expect: LOST,
  },
  {
    name: "a rescued signal is dropped",
    file: QUEUE,
    find: "if (!takeSignal(words, node, state, me))\n            continue;\n        chooseOldest(locker, table);",
    replace: "if (!takeSignal(words, node, state, me))\n            continue;",
    model: "condition: a waiter dies, another one waits",
    expect: LOST,
  },
  {
    name: "the next of the chain is looked for past its end",
    file: NODES,
    find: "for (let at = chain - 1; at < mark; at++)",
    replace: "for (let at = chain + 1; at < mark; at++)",
    model: "condition: 2 takers, and a giver of 2 that wakes all",
    expect: LOST,
  },
  {
    name: "the next of the chain is chosen anew, and its wake owed by nobody",
    file: "protocols/condition.js",
    find: "const node = nextDue(words, table);\n    if (node !== 0)\n        announceSleeper(words, lock, me);",
    replace: "const node = nextDue(words, table);",
    model: "condition: 2 takers, and a giver of 2 that wakes all",
    expect: LOST,
  },
  {
    name: "a wake is put off before any is owed: no chain begins",
    file: QUEUE,
    find: "return threads >= wakesAtOnce;",
    replace: "return threads >= wakesAtOnce - 1;",
    model: "condition: 2 takers, and a giver of 2 that wakes all",
    expect: LOST,
  },
  {
    name: "a release of the mutex forgets those that its thread chose",
    file: "locks/exclusive-base.js",
    find: "payChosen(this.region, this.index);",
    replace: "this.region.owedWakes.length = 0;",
    model: "condition: with its mutex, a taker, a giver and one that takes the lock",
    expect: LOST,
  },
  {
    name: "a release that hands the lock on says that it owes nothing",
    file: "protocols/mutex.js",
    find: "export function unlockSlow(words, index, me) {",
    replace: `export function unlockSlow(words, index, me) {
      if (cas(words, index, SYNC_WAITERS | me, SYNC_WAITERS) === (SYNC_WAITERS | me)) {
        return cas(words, index, SYNC_WAITERS, 0) === SYNC_WAITERS ? WAKE_SYNC : RELEASED;
      }`,
    model: "condition: with its mutex, a taker, a giver and one that takes the lock",
    expect: LOST,
  },
];
