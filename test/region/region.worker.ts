// A thread that uses a region as told.
import { parentPort, Worker, workerData } from "node:worker_threads";
import { HoldfastError } from "../../src/cells/errors.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { defaultRegion } from "../../src/region/default-region.ts";
import { KIND_RAW } from "../../src/region/layout.ts";
import { Region, type RegionHandle } from "../../src/region/region.ts";
import { data, finish, step } from "../support/watchdog.ts";

interface Told {
  readonly behaviour: string;
  readonly region: RegionHandle;
  readonly buffer: SharedArrayBuffer;
  readonly gate: Int32Array;
  readonly nested?: number;
}

const { behaviour, region: handle, buffer, gate, nested, index } = data<Told>();

const code = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
  return "none";
};

/** All workers leave here at the same moment. */
function meet(): void {
  Atomics.add(gate, 0, 1);
  Atomics.notify(gate, 0);
  // Asleep, so that on a loaded machine those that are there do not keep the others from coming.
  for (let there = 0; (there = Atomics.load(gate, 0)) < data().count; ) Atomics.wait(gate, 0, there, 1000);
}

step(behaviour);
if (behaviour === "names") {
  const region = Region.from(handle);
  const offsets: number[] = [];
  for (let k = 0; k < 200; k++) {
    offsets.push(region.findOrCreate(`name ${k}`, KIND_RAW, () => region.allocate(64, KIND_RAW)));
  }
  finish(offsets);
} else if (behaviour === "over at once") {
  meet();
  const region = Region.over(buffer);
  finish({ id: region.id, me: region.me });
} else if (behaviour === "default region") {
  const mutex = Mutex.named("counter");
  const { id, backend, threads } = defaultRegion();
  if (nested !== undefined && nested > 0) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { ...workerData, nested: nested - 1 } });
    worker.on("message", (message) => parentPort?.postMessage(message));
    worker.on("exit", () => finish({ id, backend, threads, mutex: mutex.share().offset }));
  } else {
    if (nested !== undefined) parentPort?.postMessage({ id, offset: mutex.share().offset });
    finish({ id, backend, threads, mutex: mutex.share().offset });
  }
} else if (behaviour === "unshared default region") {
  const own = new Mutex();
  const named = code(() => Mutex.named("counter"));
  own.lock().release();
  finish({ named, id: defaultRegion().id, explicit: code(() => Mutex.named("x", { region: defaultRegion() })) });
} else if (behaviour === "churn") {
  // Allocates and grows all the time, so that the views of the others are always too short.
  const region = Region.from(handle);
  const seen: number[] = [];
  meet();
  for (let k = 0; k < 60; k++) {
    step(`round ${k}`);
    const mutex = new Mutex({ region, name: `${index} ${k}` });
    region.allocate(300_000, KIND_RAW);
    for (let other = 0; other < data().count; other++) {
      const theirs = new Mutex({ region, name: `${other} ${k}` });
      theirs.withLock(() => seen.push(theirs.share().offset));
    }
    if (mutex.name !== `${index} ${k}`) throw new Error(`the name is ${mutex.name}`);
  }
  finish({ offsets: seen.length, length: region.byteLength });
} else if (behaviour === "attach to a growing region") {
  const words = new Int32Array(buffer);
  parentPort?.postMessage("ready");
  let attached = 0;
  while (Atomics.load(words, 0) === 0) {
    const copy = structuredClone(handle);
    if (Region.from(copy).id.length === 32) attached++;
  }
  finish(attached);
}
