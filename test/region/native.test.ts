// Regions that park natively: one way of parking for all threads, threads that end while they sleep, and word of a death
// that needs neither a slice nor the main thread.

import * as assert from "uvu/assert";
import type { RegionError } from "../../src/cells/errors.ts";
import { nativePart } from "../../src/cells/native.ts";
import { wakeAll } from "../../src/cells/park.ts";
import { H_CHECKSUM, H_ID, H_PARKING, headerChecksum, KIND_RAW } from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import { isAlive } from "../../src/region/threads.ts";
import { suite } from "../support/suite.ts";
import { thrown } from "../support/thrown.ts";
import { runWorkers, type WorkerRun } from "../support/watchdog.ts";

const test = suite("native parking");
const file = new URL("./native.worker.js", import.meta.url);
const native = nativePart();

/** Runs a worker for each behaviour over a cell of the region; words: [0] asleep, [1] the cell, [2] a survivor is back. */
function run(region: Region, behaviours: readonly string[], how: Partial<WorkerRun> = {}) {
  const words = new Int32Array(new SharedArrayBuffer(64));
  words[1] = region.allocate(64, KIND_RAW) >> 2;
  const outcomes = runWorkers({
    file,
    count: behaviours.length,
    workerData: (index) => ({ words, region: region.share(), behaviour: behaviours[index] }),
    ...how,
  });
  return { words, outcomes };
}

test("a region parks by Atomics unless it is asked to park natively", () => {
  assert.is(Region.create({ parking: "atomics" }).parking, "atomics");
  assert.is((thrown(() => Region.create({ parking: "futex" as "native" })) as Error).name, "TypeError");
});

if (native === undefined) {
  console.log("skipped: the native part is not built (npm run build:native)");
  test("without the native part a region that parks natively can't be created", () => {
    assert.is((thrown(() => Region.create({ parking: "native" })) as RegionError).code, "ERR_REGION_NATIVE");
  });
} else {
  test("a thread without the native part is refused, and told the way out", async () => {
    const region = Region.create({ parking: "native" });
    assert.is(region.parking, "native");
    const [outcome] = await run(region, ["refused"], { env: { HOLDFAST_NATIVE: "0" } }).outcomes;
    assert.match(
      String(outcome.result),
      /^ERR_REGION_NATIVE .*Install or build it.*parking: "atomics".*HOLDFAST_NATIVE=0/,
    );
  });

  test("a region that parks by another copy of the native part is refused", () => {
    const buffer = new SharedArrayBuffer(1 << 17);
    const region = Region.over(buffer, 0, buffer.byteLength, { parking: "native" });
    assert.is(region.parking, "native");
    const copy = new Int32Array(new SharedArrayBuffer(buffer.byteLength));
    copy.set(new Int32Array(buffer));
    copy[H_ID] ^= 1;
    copy[H_PARKING] ^= 2;
    copy[H_CHECKSUM] = headerChecksum(copy);
    const error = thrown(() => Region.over(copy.buffer as unknown as SharedArrayBuffer)) as RegionError;
    assert.is(error.code, "ERR_REGION_NATIVE");
    assert.match(error.message, "another copy");
  });

  for (const parking of ["native", "atomics"] as const) {
    test(`a thread that ends is marked dead by itself (${parking})`, async () => {
      const region = Region.create({ parking });
      const [{ result }] = await run(region, ["attach"]).outcomes;
      assert.not.ok(isAlive(region.memory.words, result as number));
      assert.is(region.deaths, 1);
      // This thread.
      assert.is(region.threads, 1);
    });
  }

  test("a sleeper is woken by a thread's exit while the main thread is blocked", async () => {
    const region = Region.create({ parking: "native" });
    const { words, outcomes } = run(region, ["survive", "exit"], {
      mayDie: (index) => index === 1,
      onMessage: () => {
        // The main thread's event loop does not turn until the survivor is back.
        assert.not.equal(Atomics.wait(words, 2, 0, 20_000), "timed-out");
      },
    });
    const [survivor] = await outcomes;
    assert.is(survivor.finished, true);
    assert.is(region.deaths, 2);
  });

  test("a sleeper is woken when a thread that computes is terminated by a main thread that then blocks", async () => {
    const region = Region.create({ parking: "native" });
    let told = 0;
    const { words, outcomes } = run(region, ["survive", "spin"], {
      mayDie: (index) => index === 1,
      onMessage: (_message, _index, workers) => {
        if (++told < 2) return;
        workers[1].terminate();
        assert.not.equal(Atomics.wait(words, 2, 0, 20_000), "timed-out");
      },
    });
    const [survivor] = await outcomes;
    assert.is(survivor.finished, true);
  });

  test("terminate() ends a thread that sleeps natively, and its death is known", async () => {
    const region = Region.create({ parking: "native" });
    const { outcomes } = run(region, ["sleep"], {
      mayDie: () => true,
      onMessage: (_message, _index, [worker]) => void worker.terminate(),
    });
    assert.is((await outcomes)[0].exitCode, 1);
    // This thread.
    assert.is(region.threads, 1);
    assert.is(region.deaths, 1);
  });

  test("a wake reaches native sleepers and asynchronous waits of the same cell", async () => {
    const region = Region.create({ parking: "native" });
    const { words } = region.memory;
    let settled: Promise<unknown> | undefined;
    const { outcomes } = run(region, ["survive"], {
      onMessage: () => {
        const cell = region.allocate(64, KIND_RAW) >> 2;
        settled = Promise.resolve(Atomics.waitAsync(words, cell, 0).value);
        assert.is(wakeAll(words, cell), 1);
        const timer = setInterval(() => {
          const asleep = Array.from({ length: 64 }, (_, slot) => words[1024 + slot * 32 + 2]).find((at) => at !== 0);
          if (asleep === undefined) clearInterval(timer);
          else wakeAll(words, asleep);
        }, 1);
      },
    });
    assert.is((await outcomes)[0].result, 0);
    assert.is(await settled, "ok");
  });

  test("a hundred threads attach and end in turn, and none stays on the books", async () => {
    const region = Region.create({ parking: "native", maxThreads: 16 });
    for (let round = 0; round < 12; round++) {
      const { outcomes } = run(
        region,
        Array.from({ length: 8 }, () => "attach"),
      );
      await outcomes;
    }
    // This thread.
    assert.is(region.threads, 1);
    assert.is(region.deaths, 96);
  });
}

test.run();
