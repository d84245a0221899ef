// Sleeping and waking, and the one timer that keeps a thread alive while its tasks wait.

import * as assert from "uvu/assert";
import {
  armWait,
  blockingAllowed,
  holdKeepAlive,
  NOT_EQUAL,
  park,
  parkAsync,
  releaseKeepAlive,
  SLICE_MS,
  TIMED_OUT,
  wake,
  wakeAll,
} from "../../src/cells/park.ts";
import { suite } from "../support/suite.ts";
import { timersAlive } from "../support/timers.ts";

const test = suite("park");
const cells = (): Int32Array => new Int32Array(new SharedArrayBuffer(16));

test("a sleep does not begin when the cell has changed, and ends at its time-out", () => {
  const words = cells();
  assert.is(park(words, 0, 1, 1000), NOT_EQUAL);
  assert.is(park(words, 0, 0, 1), TIMED_OUT);
  assert.ok(blockingAllowed());
});

test("wake wakes as many as it is told, wakeAll all; both say how many", async () => {
  const words = cells();
  const alive = (): void => undefined;
  holdKeepAlive(alive); // A pending waitAsync keeps no process alive.
  let woken = 0;
  const sleepers = Array.from({ length: 5 }, () => parkAsync(words, 1, 0)?.then(() => woken++));
  assert.is(wake(words, 0, 1), 0);
  assert.is(wake(words, 1, 2), 2);
  await Promise.all(sleepers.slice(0, 2));
  assert.is(woken, 2);
  assert.is(wakeAll(words, 1), 3);
  await Promise.all(sleepers);
  assert.is(parkAsync(words, 1, 7), undefined);
  releaseKeepAlive(alive);
});

test("an armed wait calls once when the cell is woken, and is not armed when the cell has changed", async () => {
  const words = new Int32Array(new SharedArrayBuffer(8));
  assert.is(
    armWait(words, 0, 1, () => assert.unreachable("the cell held something else")),
    false,
  );
  // An armed wait keeps no thread alive: that is holdKeepAlive's part.
  const alive = setInterval(() => undefined, 1000);
  const woken = new Promise<void>((resolve) => assert.is(armWait(words, 0, 0, resolve), true));
  wake(words, 0, 1);
  await woken;
  clearInterval(alive);
});

test("one timer serves all that wait, is there while one waits, and calls each every slice", async () => {
  const before = timersAlive();
  let first = 0;
  const other = (): void => undefined;
  await new Promise<void>((resolve) => {
    const onSlice = (): void => {
      if (++first < 2) return;
      releaseKeepAlive(onSlice);
      resolve();
    };
    holdKeepAlive(onSlice);
    holdKeepAlive(onSlice);
    holdKeepAlive(other);
    assert.is(timersAlive(), before + 1);
  });
  assert.is(first, 2);
  assert.is(timersAlive(), before + 1, "the other still waits");
  releaseKeepAlive(other);
  releaseKeepAlive(other);
  assert.is(timersAlive(), before);
  assert.ok(SLICE_MS <= 250);
});

test.run();
