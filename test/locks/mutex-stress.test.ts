// Many threads on one mutex, sync and async, with and without WebAssembly: the counts they keep without atomics must come
// out exactly.
// native: too

import * as assert from "uvu/assert";
import { Mutex } from "../../src/locks/mutex.ts";
import { Region } from "../../src/region/region.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("stress of a mutex");
const file = new URL("../suites/mutex.worker.js", import.meta.url);
const behaviours = ["count", "count async", "count in all ways"];

for (const count of [2, 3, 8, 16]) {
  test(`${count} threads in all ways, and the main thread too, lose no count`, async () => {
    const mutex = new Mutex({ region: Region.create({ maxThreads: count + 1 }) });
    const words = new Int32Array(new SharedArrayBuffer(64));
    const rounds = Math.floor(24_000 / count / 12) * 12;
    const running = runWorkers<string>({
      file,
      count,
      workerData: (index) => ({ behaviour: behaviours[index % 3], handle: mutex.share(), words, rounds }),
      env: (index) => ({ HOLDFAST_WASM: String((index >> 1) % 2) }),
    });
    // The main thread contends like any other, by turns blocking and awaiting.
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    running.then(end, end);
    let mine = 0;
    const countHere = (): void => {
      const seen = words[1];
      for (let k = 0; k < 20; k++) words[2]++;
      words[1] = seen + 1;
      mine++;
    };
    while (!ended) {
      mutex.withLock(countHere);
      await mutex.withLockAsync(countHere);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const outcomes = await running;
    assert.is(words[1], count * rounds + mine);
    assert.is(words[2], 20 * words[1]);
    assert.not.ok(mutex.locked);
    assert.is(mutex.waiters, 0);
    if (count > 2) assert.equal([...new Set(outcomes.map(({ result }) => result))].sort(), ["js", "wasm"]);
  });
}

test.run();
