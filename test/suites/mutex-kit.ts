// What the parts of the Mutex suite share: makers of mutexes, threads that hold them, owners that died.

import * as assert from "uvu/assert";
import { Mutex } from "../../src/locks/mutex.ts";
import { Region } from "../../src/region/region.ts";
import { anotherThread, bury } from "../support/crash.ts";
import { suite } from "../support/suite.ts";
import { runWorkers, type WorkerOutcome } from "../support/watchdog.ts";
import type { Told } from "./mutex.worker.ts";

export interface Backend {
  readonly name: string;
  /** A new region; the default one where that is what is tested. */
  readonly region: () => Region;
  /** Variables of the workers' environment. */
  readonly env?: (index: number) => Record<string, string>;
  /** Whether the mutexes are first in, first out. */
  readonly fair?: boolean;
}

const file = new URL("./mutex.worker.js", import.meta.url);
/** Lets other tasks of this thread run. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits until `condition` holds, turning the event loop; throws if that never happens. */
export async function until(condition: () => boolean): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > limit) throw new Error(`never came true: ${condition}`);
    await turn();
  }
}

export type MutexKit = ReturnType<typeof mutexKit>;

/** What the parts of the suite share: the suite itself, makers of mutexes, and other threads. */
export function mutexKit(backend: Backend) {
  const test = suite(`Mutex: ${backend.name}`);
  const { fair } = backend;
  const make = (name?: string): Mutex => new Mutex({ region: backend.region(), name, fair });
  let names = 0;
  const unique = (): string => `${backend.name} ${names++}`;

  const workers = (
    told: Partial<Told> & { readonly behaviour: string },
    mutex: Mutex,
    run: Partial<Parameters<typeof runWorkers>[0]> = {},
  ): Promise<WorkerOutcome[]> => {
    const { env } = backend;
    const words = told.words ?? new Int32Array(new SharedArrayBuffer(64));
    return runWorkers({ file, count: 1, env, workerData: { words, ...told, handle: mutex.share() }, ...run });
  };

  /** Runs `work` while a worker holds the mutex. */
  async function whileHeld(mutex: Mutex, work: () => unknown): Promise<void> {
    const words = new Int32Array(new SharedArrayBuffer(64));
    let done: Promise<void> | undefined;
    const go = async (): Promise<void> => {
      try {
        await work();
      } finally {
        Atomics.store(words, 0, 1);
        Atomics.notify(words, 0);
      }
    };
    const onMessage = (): void => {
      done = go();
      done.catch(() => undefined);
    };
    const [outcome] = await workers({ behaviour: "hold", words }, mutex, { onMessage });
    await done;
    assert.is(outcome.result, "ok");
  }

  /** A mutex whose owner died: it took it in another "thread", which is buried. */
  function orphaned(): Mutex {
    const mutex = make();
    const other = anotherThread(mutex.region);
    mutexIn(other, mutex).lock();
    bury(other);
    return mutex;
  }
  return { test, backend, fair, make, unique, workers, whileHeld, orphaned };
}

/** The same mutex seen through another view of its region. */
export function mutexIn(region: Region, mutex: Mutex): Mutex {
  const handle = mutex.share();
  const from = Region.from;
  Region.from = () => region;
  try {
    return Mutex.from(handle);
  } finally {
    Region.from = from;
  }
}
