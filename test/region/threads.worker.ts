// A thread that takes a seat in the registry and stays, or ends, as told.
import { parentPort } from "node:worker_threads";
import { park } from "../../src/cells/park.ts";
import { Region, type RegionHandle } from "../../src/region/region.ts";
import { announceSleep, takeSeat } from "../../src/region/threads.ts";
import { data, finish, step } from "../support/watchdog.ts";

const { behaviour, words, region } = data<{ behaviour: string; words: Int32Array; region: RegionHandle }>();

step(behaviour);
if (behaviour === "block") {
  parentPort?.postMessage(takeSeat(words));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
} else if (behaviour === "sleep beyond the view") {
  const { memory, me, seatAt } = Region.from(region);
  const cell = memory.words.length + 1024;
  memory.grow((cell + 16) * 4, 1 << 30);
  announceSleep(memory.words, seatAt, cell, cell);
  parentPort?.postMessage(me);
  finish(park(memory.words, cell, 0, 20_000));
}
