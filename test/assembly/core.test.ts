// The WebAssembly and the JavaScript of the protocols are one source, and do the same: random operations over two
// memories, one for each, leave them equal byte for byte and give the same results.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { type CoreExports, instantiateCore } from "../../src/assembly/core.ts";
import { arriveUsual, PARTIES, STATUS, sleepForOthers } from "../../src/protocols/barrier.ts";
import { beginWait, chooseFor, sleepWait } from "../../src/protocols/condition.ts";
import { LOCK_MISSED, LOOK_FIRST, NOT_SLEPT, sleepForLock, waitForLock } from "../../src/protocols/lock-wait.ts";
import {
  ACQUIRED_DIED,
  ASYNC_WAITERS,
  HELD_BY_ME,
  lockStep,
  MUTEX_WORDS,
  NOT_RECOVERABLE,
  OWNER_DIED,
  RETIRED,
  STARVING,
  SYNC_WAITERS,
  tryLock,
  UNRECOVERABLE,
  unlock,
  unlockHold,
} from "../../src/protocols/mutex.ts";
import { lockReentrant, unlockLevel, unlockReentrant } from "../../src/protocols/reentrant-mutex.ts";
import {
  H_DEATHS,
  PROBES_ARMED,
  SLOT_ALIVE,
  SLOT_WORDS,
  T_PROBES,
  T_STATE,
  T_WAIT_CELL,
} from "../../src/protocols/seat.ts";
import { spinForLock } from "../../src/protocols/spin.ts";
import { CAPACITY } from "../../src/protocols/wait-nodes.ts";
import { suite } from "../support/suite.ts";

// Where JavaScript is faster (Bun), it has to be asked for.
process.env.HOLDFAST_WASM = "1";

const test = suite("WebAssembly core");

/** The operations of the mutexes: they share the mutex's words. */
type Mutexes = Pick<
  CoreExports,
  "spinForLock" | "tryLock" | "unlock" | "unlockHold" | "lockStep" | "lockReentrant" | "unlockReentrant" | "unlockLevel"
>;

/** The JavaScript of the protocols under the names of the module's exports. */
function referenceOver(words: Int32Array): Mutexes {
  return {
    spinForLock: (index, me, slept, starver, limit) => spinForLock(words, index, me, slept, starver, limit),
    lockReentrant: (index, me) => lockReentrant(words, index, me),
    unlockReentrant: (index, me) => unlockReentrant(words, index, me),
    unlockLevel: (index, me, ticket) => unlockLevel(words, index, me, ticket),
    tryLock: (index, me) => tryLock(words, index, me),
    unlock: (index, me) => unlock(words, index, me),
    unlockHold: (index, me, ticket) => unlockHold(words, index, me, ticket),
    lockStep: (index, me, slept, starver) => lockStep(words, index, me, slept, starver),
  };
}

function memory(): { wasm: WebAssembly.Memory; words: Int32Array } {
  const wasm = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
  return { wasm, words: new Int32Array(wasm.buffer) };
}

const owners = [0x1000, 0x1001, 0xffff_ffd, NOT_RECOVERABLE];
const flags = [0, SYNC_WAITERS, ASYNC_WAITERS, STARVING, OWNER_DIED];

/** What may be done: an exported operation with any arguments, or a word that another thread may have left. */
const operation = fc.oneof(
  fc.record({
    call: fc.constantFrom<keyof Mutexes>(
      "spinForLock",
      "tryLock",
      "unlock",
      "unlockHold",
      "lockStep",
      "lockReentrant",
      "unlockReentrant",
      "unlockLevel",
    ),
    me: fc.constantFrom(...owners.slice(0, 3)),
    slept: fc.nat(1),
    starver: fc.nat(1),
    limit: fc.constantFrom(300, 50, -20),
    ticket: fc.oneof(fc.nat(8), fc.integer()),
    isLatest: fc.boolean(),
  }),
  fc.record({ word: fc.tuple(fc.constantFrom(0, RETIRED, ...owners), fc.subarray(flags)), hold: fc.nat(8) }),
  fc.record({ hold: fc.constantFrom(0x3ffffffe, 0x3fffffff, 0x40000000, -1, 0) }),
);

test("the module compiles here, and has the operations that are declared", () => {
  const core = instantiateCore(memory().wasm) as unknown as Record<string, unknown>;
  for (const name of Object.keys(referenceOver(new Int32Array(0)))) assert.type(core[name], "function", name);
});

test("random operations through both leave equal memories and give equal results", () => {
  fc.assert(
    fc.property(fc.nat(16000), fc.array(operation, { maxLength: 200 }), (index, operations) => {
      const one = memory();
      const two = memory();
      const core = instantiateCore(one.wasm) as CoreExports;
      const reference = referenceOver(two.words);
      for (const step of operations) {
        if (!("call" in step)) {
          for (const { words } of [one, two]) {
            if ("word" in step) words[index] = step.word[1].reduce((word, flag) => word | flag, step.word[0]);
            words[index + 2] = step.hold;
          }
          continue;
        }
        const { call, me, slept, starver } = step;
        const ticket = step.isLatest ? two.words[index + 2] : step.ticket;
        const rest: Partial<Record<keyof Mutexes, number[]>> = {
          unlockHold: [ticket],
          unlockLevel: [ticket],
          lockStep: [slept, starver],
          spinForLock: [slept, starver, step.limit],
        };
        const run = (of: Mutexes): number =>
          (of[call] as (...args: number[]) => number)(index, me, ...(rest[call] ?? []));
        const results = [run(core), run(reference)];
        assert.is(results[0], results[1], call);
        assert.equal(
          one.words.slice(index, index + MUTEX_WORDS),
          two.words.slice(index, index + MUTEX_WORDS),
          `${call} gave ${results[0]}`,
        );
      }
      assert.ok(Buffer.from(one.wasm.buffer).equals(Buffer.from(two.wasm.buffer)));
    }),
    { numRuns: 300 },
  );
});

test("operations reach words beyond the length that the memory had when the module was made", () => {
  const { wasm } = memory();
  const core = instantiateCore(wasm) as CoreExports;
  wasm.grow(1);
  const words = new Int32Array(wasm.buffer);
  const index = 20_000;
  assert.is(core.tryLock(index, 0x1000), 1);
  assert.is(words[index], 0x1000);
  assert.is(core.unlock(index, 0x1000), 0);
  assert.is(words[index], 0);
});

test("an index outside the memory traps and changes nothing", () => {
  const { wasm, words } = memory();
  const core = instantiateCore(wasm) as CoreExports;
  let error: unknown;
  try {
    core.tryLock(1 << 20, 1);
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, WebAssembly.RuntimeError);
  assert.ok(words.every((word) => word === 0));
});

test("how a sleep for a lock ended is told alike: by time, and because the word was another", () => {
  const [lock, seat, holder] = [64, 40, (1 << 12) | 1];
  for (const seen of [holder | SYNC_WAITERS, holder]) {
    const [one, { words }] = [memory(), memory()];
    for (const each of [one.words, words]) {
      each[lock] = holder | SYNC_WAITERS;
      each[seat + T_PROBES] = PROBES_ARMED;
    }
    const core = instantiateCore(one.wasm) as CoreExports;
    const byTime = seen < 0;
    const ended = sleepForLock(words, lock, owners[0], seat, seen, 2, 1, 0);
    assert.is(ended, byTime ? LOOK_FIRST : LOCK_MISSED);
    assert.is(core.sleepForLock(lock, owners[0], seat, seen, 2, 1, 0), ended);
    assert.equal(one.words, words);
  }
});

test("a wait in one operation comes to the same: taken, held by its own thread, of a dead owner, and by time", () => {
  const [lock, seat, me] = [64, 40, owners[0]];
  const other = me + 1;
  const theirs = seat + SLOT_WORDS;
  const cases: [word: number, alive: boolean, came: number][] = [
    [0, true, 1],
    [SYNC_WAITERS, true, 1],
    [me, true, -HELD_BY_ME],
    [NOT_RECOVERABLE, true, -UNRECOVERABLE],
    [OWNER_DIED, true, -ACQUIRED_DIED],
    [other, false, -NOT_SLEPT],
    [other, true, -LOOK_FIRST],
  ];
  for (const [word, alive, came] of cases) {
    for (const limit of [0, -5]) {
      const [one, { words }] = [memory(), memory()];
      for (const each of [one.words, words]) {
        each[lock] = word;
        each[seat + T_PROBES] = PROBES_ARMED;
        each[theirs + T_STATE] = alive ? ((other >>> 12) << 2) | SLOT_ALIVE : 0;
      }
      const core = instantiateCore(one.wasm) as CoreExports;
      assert.is(waitForLock(words, lock, me, seat, 2, 1, limit), came, `word ${word}, limit ${limit}`);
      assert.is(core.waitForLock(lock, me, seat, 2, 1, limit), came);
      assert.equal(one.words, words);
      // Whoever goes on without having slept has announced nothing.
      if (came === -NOT_SLEPT) assert.is(words[seat + T_WAIT_CELL], 0);
    }
  }
});

test("random waits on a condition leave the same memory and give the same results", () => {
  const lock = 64;
  const table = 128;
  const seats = [40, 1088];
  const step = fc.record({
    call: fc.constantFrom("tryLock", "unlock", "beginWait", "sleepWait", "chooseFor"),
    who: fc.nat(1),
    deaths: fc.nat(1),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [one, other] = [memory(), memory()];
      const core = instantiateCore(one.wasm);
      if (core === undefined) return;
      for (const { words } of [one, other]) {
        words[table + CAPACITY] = 3;
        for (const seat of seats) words[seat + T_PROBES] = PROBES_ARMED;
      }
      const { words } = other;
      for (const { call, who, deaths } of steps) {
        const me = owners[who];
        const seat = seats[who];
        one.words[H_DEATHS] += deaths;
        words[H_DEATHS] += deaths;
        const results =
          call === "tryLock"
            ? [core.tryLock(lock, me), tryLock(words, lock, me)]
            : call === "unlock"
              ? [core.unlock(lock, me), unlock(words, lock, me)]
              : call === "beginWait"
                ? [core.beginWait(table, lock, me, seat), beginWait(words, table, lock, me, seat)]
                : call === "chooseFor"
                  ? [core.chooseFor(table, lock, me), chooseFor(words, table, lock, me)]
                  : [core.sleepWait(table, lock, me, seat, 7, 0), sleepWait(words, table, lock, me, seat, 7, 0)];
        assert.is(results[0], results[1], call);
      }
      assert.equal(one.words, words);
    }),
    { numRuns: 200 },
  );
});

test("random arrivals at a barrier leave the same memory and give the same results", () => {
  const at = 128;
  const seats = [40, 1088];
  const step = fc.record({
    who: fc.nat(1),
    parties: fc.integer({ min: 1, max: 3 }),
    status: fc.nat(2),
    held: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const [one, other] = [memory(), memory()];
      const core = instantiateCore(one.wasm);
      if (core === undefined) return;
      for (const { words } of [one, other]) for (const seat of seats) words[seat + T_PROBES] = PROBES_ARMED;
      const { words } = other;
      for (const { who, parties, status, held } of steps) {
        const [me, seat] = [owners[who], seats[who]];
        for (const each of [one.words, words]) {
          each[at + PARTIES] = parties;
          each[at + STATUS] = status;
          each[at] = held === 0 ? owners[1 - who] : 0;
        }
        assert.is(core.arriveUsual(at, me, seat), arriveUsual(words, at, me, seat));
        assert.is(core.sleepForOthers(at, seat, 0), sleepForOthers(words, at, seat, 0));
      }
      assert.equal(one.words, words);
    }),
    { numRuns: 200 },
  );
});

test.run();
