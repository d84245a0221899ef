// A thread of a region that parks natively, as told.
import { parentPort } from "node:worker_threads";
import { park } from "../../src/cells/park.ts";
import { Region, type RegionHandle } from "../../src/region/region.ts";
import { announceSleep } from "../../src/region/threads.ts";
import { data, finish, step } from "../support/watchdog.ts";

const { behaviour, region, words } = data<{ behaviour: string; region: RegionHandle; words: Int32Array }>();

step(behaviour);
/** Sleeps on the cell for longer than the test may take: only a wake, or word of a death, ends it. */
function sleepEndlessly(at: Region, cell: number): number {
  announceSleep(at.memory.words, at.seatAt, cell, cell);
  parentPort?.postMessage("asleep");
  Atomics.add(words, 0, 1);
  const ended = park(at.memory.words, cell, 0, 3_600_000);
  announceSleep(at.memory.words, at.seatAt, 0, 0);
  return ended;
}

if (behaviour === "refused") {
  try {
    Region.from(region);
    finish("attached");
  } catch (error) {
    finish(`${(error as { code?: string }).code} ${(error as Error).message}`);
  }
} else {
  const at = Region.from(region);
  const cell = words[1];
  if (behaviour === "survive") {
    const ended = sleepEndlessly(at, cell);
    Atomics.store(words, 2, 1);
    Atomics.notify(words, 2);
    finish(ended);
  } else if (behaviour === "exit") {
    step(`attached as ${at.me}`);
    while (Atomics.load(words, 0) === 0);
    process.exit(0);
  } else if (behaviour === "spin") {
    parentPort?.postMessage(at.me);
    for (;;);
  } else if (behaviour === "sleep") {
    sleepEndlessly(at, cell);
  } else {
    finish(at.me);
  }
}
