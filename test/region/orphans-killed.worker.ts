// Shares one table, then makes objects that it shares with nobody until it is killed; or does so once, and ends.
import { parentPort } from "node:worker_threads";
import { Mutex } from "../../src/locks/mutex.ts";
import { Region, type RegionHandle } from "../../src/region/region.ts";
import { SharedMap } from "../../src/tables/map.ts";
import { SharedQueue } from "../../src/tables/queue.ts";
import { untilTerminated } from "../support/until-terminated.ts";
import { data, finish } from "../support/watchdog.ts";

const { handle, made, task } = data<{ handle: RegionHandle; made: Int32Array; task: "end" | "rest" | "make" }>();
const region = Region.from(handle);

function makeThem(): { free(): void }[] {
  const map = new SharedMap({ region });
  for (let k = 0; k < 12; k++) map.set(`key ${k}`, "x".repeat(40 * k));
  const queue = new SharedQueue({ region, capacity: 10 });
  queue.tryPush("entry");
  const mutex = new Mutex({ region, fair: true });
  mutex.lock();
  return [map, queue, mutex];
}

const shared = new SharedMap({ region });
shared.set("a", "b");
const kept = [makeThem(), makeThem()];
parentPort?.postMessage(shared.share());
if (task === "rest") await untilTerminated();
while (task === "make") {
  for (const object of makeThem()) object.free();
  Atomics.add(made, 0, 1);
}
for (const object of kept.flat()) object.free();
finish();
