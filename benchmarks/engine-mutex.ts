// A program of its own, since V8's Atomics.Mutex needs a flag: one pair of it, and of the mutex here, beside two bare Atomics,
// in one thread. Started by uncontended.bench.ts with the effort as its argument; prints the runs.

import { Mutex, Region } from "../src/index.ts";
import { looped, measure } from "./one-thread.ts";
import type { Effort } from "./result.ts";
import { bareWords } from "./rivals/floor.ts";

const [suite, effort] = process.argv.slice(2);
const { Mutex: EngineMutex } = Atomics as unknown as {
  Mutex: { new (): object; lock(mutex: object, fn: () => void): void };
};
const nothing = (): void => undefined;
const given = (): Record<string, unknown> => ({ lock: new Mutex({ region: Region.create() }), nothing });
const runs = await measure(
  suite,
  "lock + unlock, empty section",
  [
    looped(
      "floor-js",
      { words: bareWords() },
      "Atomics.compareExchange(words, 0, 0, 1); Atomics.compareExchange(words, 0, 1, 0);",
    ),
    looped("holdfast", given(), "lock.lock(); lock.unlock();"),
    looped("holdfast (withLock)", given(), "lock.withLock(nothing);"),
    looped("Atomics.Mutex", { engine: EngineMutex, mutex: new EngineMutex(), nothing }, "engine.lock(mutex, nothing);"),
  ],
  JSON.parse(effort) as Effort,
);
process.stdout.write(JSON.stringify(runs));
