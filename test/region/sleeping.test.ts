// The one sleeping place: a death that is told just before a thread announces its sleep is not slept through, and other
// threads see what a sleeper waits for.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { NOT_EQUAL, TIMED_OUT } from "../../src/cells/park.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { tryLock } from "../../src/protocols/mutex.ts";
import { Region } from "../../src/region/region.ts";
import { sleepOn } from "../../src/region/sleep.ts";
import { FOR_OWNER, waitOf } from "../../src/region/waits.ts";
import { anotherThread, bury } from "../support/crash.ts";

const test = suite("sleeping");
const region = Region.create();
const cell = region.allocate(64, 1) >> 2;
const { words } = region.memory;
const moment = (): number => performance.now() + 1;

/** What another thread would see, were it to look in the middle of a sleep of this one. */
function duringSleep<T>(look: () => T, sleep: () => unknown): T | undefined {
  const { wait } = Atomics;
  let seen: T | undefined;
  Atomics.wait = (() => {
    seen = look();
    return "ok";
  }) as typeof Atomics.wait;
  try {
    sleep();
  } finally {
    Atomics.wait = wait;
  }
  return seen;
}

test("a death since the last look is looked at before a sleep begins; the next sleep is one", () => {
  const doomed = anotherThread(region);
  while (sleepOn(region, cell, 0, cell, moment(), 1) === NOT_EQUAL);
  bury(doomed);
  let slept = 0;
  duringSleep(
    () => slept++,
    () => assert.is(sleepOn(region, cell, 0, cell, Number.POSITIVE_INFINITY), NOT_EQUAL),
  );
  assert.is(slept, 0);
  duringSleep(
    () => slept++,
    () => sleepOn(region, cell, 0, cell, Number.POSITIVE_INFINITY),
  );
  assert.is(slept, 1);
});

test("a sleeper's wait names whom it waits for while it sleeps, and no longer", () => {
  const other = anotherThread(region);
  const mutex = new Mutex({ region });
  assert.ok(tryLock(words, mutex.index, other.me) !== 0);
  const sleep = (how: number) => (): unknown =>
    sleepOn(region, mutex.index, 0, mutex.index, Number.POSITIVE_INFINITY, 1, how);
  const look = () => waitOf(words, region.me);
  sleepOn(region, cell, 0, cell, moment());
  const wait = duringSleep(look, sleep(FOR_OWNER));
  assert.equal(Array.from(wait?.holders.keys() ?? []), [other.me]);
  assert.is(look(), undefined);
  // Each sleep has a number of its own.
  assert.is.not(duringSleep(look, sleep(FOR_OWNER))?.sequence, wait?.sequence);
  // Nobody in particular; an owner that died.
  assert.is(duringSleep(look, sleep(0)), undefined);
  bury(other);
  duringSleep(look, sleep(FOR_OWNER));
  assert.is(
    duringSleep(() => waitOf(words, other.me), sleep(FOR_OWNER)),
    undefined,
  );
});

test("a sleep that nobody ends ends with its slice", () => {
  while (sleepOn(region, cell, 0, cell, Number.POSITIVE_INFINITY, 1) === NOT_EQUAL);
  assert.is(sleepOn(region, cell, 0, cell, Number.POSITIVE_INFINITY, 1), TIMED_OUT);
});

test.run();
