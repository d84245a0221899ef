// Makes so many objects without a name, says so, and waits to be killed.

import { parentPort, workerData } from "node:worker_threads";
import { Event, Mutex } from "../../src/index.ts";
import { Region, type RegionHandle } from "../../src/region/region.ts";

const input = workerData as { readonly region: RegionHandle; readonly count: number };
const region = Region.from(input.region);
const made: unknown[] = [];
for (let k = 0; k < input.count; k += 2) made.push(new Mutex({ region }), new Event({ region }));
parentPort?.postMessage(made.length);
setInterval(() => made.length, 1000);
