// RwLock and StampedLock between real threads: who waits for whom, stress with an oracle, and the death of a holder.

import type { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import type { OwnerDiedError } from "../../src/cells/errors.ts";
import { RwLock, type RwReadGuard, type RwWriteGuard } from "../../src/locks/rw-lock.ts";
import { StampedLock } from "../../src/locks/stamped-lock.ts";
import { DRAINING, MODE } from "../../src/protocols/rw-lock.ts";
import { backends } from "../support/backends.ts";
import { suite } from "../support/suite.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { runWorkers, type WorkerOutcome, type WorkerRun } from "../support/watchdog.ts";
import type { Setup } from "./rw-lock.roles.ts";

const test = suite("RwLock between threads");
const file = new URL("./rw-lock.worker.js", import.meta.url);

/** Lets the event loop turn until the condition holds; a run's watchdog ends a test whose condition never does. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** One lock, and the threads that play with it. */
class Play<L extends RwLock | StampedLock> {
  readonly flags = new Int32Array(new SharedArrayBuffer(256));
  readonly words = new Int32Array(new SharedArrayBuffer(256));
  readonly lock: L;

  constructor(lock: L) {
    this.lock = lock;
  }

  raised(flag: number): boolean {
    return Atomics.load(this.flags, flag) !== 0;
  }

  get mode(): number {
    return Atomics.load(this.lock.region.memory.words, this.lock.index + MODE);
  }

  /** Runs one thread for each part, every other one without WebAssembly; those in `dying` may end badly. */
  run(parts: readonly Partial<Setup>[], dying: readonly number[] = [], onMessage?: WorkerRun["onMessage"]) {
    const lock = this.lock.share();
    return runWorkers({
      file,
      count: parts.length,
      workerData: (index) => ({ lock, flags: this.flags, words: this.words, ...parts[index] }),
      env: (index) => ({ HOLDFAST_WASM: String(index % 2) }),
      mayDie: (index) => dying.includes(index),
      onMessage,
    });
  }
}

const results = (outcomes: readonly WorkerOutcome[]): unknown[] => outcomes.map(({ result }) => result);
const terminate = (workers: readonly Worker[]): Promise<unknown> => workers[0].terminate();

for (const { title, region } of backends) {
  const make = (): Play<RwLock> => new Play(new RwLock({ region: region() }));

  test(`a pending writer blocks new readers but not nested ones, and lets them in if it gives up (${title})`, async () => {
    const play = make();
    const { lock } = play;
    const guard = lock.read();
    let over = false;
    const ending = play.run([{ role: "pendingWriter" }, { role: "newReader" }]).finally(() => {
      over = true;
    });
    // What ended it is told below.
    ending.catch(() => undefined);
    while (!play.raised(2) && !over) {
      lock.read().release();
      (await lock.readAsync()).release();
      // A browser's worker starts only while its parent's event loop turns.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    guard.release();
    assert.is(results(await ending)[0], "ERR_TIMEOUT");
    assert.is(lock.locked, false);
  });

  test(`a downgrade admits readers, but no writer in between (${title})`, async () => {
    const parts = [{ role: "downgrader" }, { role: "readerBeside" }, { role: "writerBehind" }] as const;
    const [readers, beside, behind] = results(await make().run(parts)) as [number, object, boolean];
    assert.ok(readers >= 1);
    assert.equal(beside, { wrote: false, seen: 1 });
    assert.is(behind, true);
  });

  test(`stress: nobody is beside a writer, and no write is lost (${title})`, async () => {
    const play = make();
    const parts = [0, 1, 2, 3].map((k) => ({ role: "stress" as const, rounds: 1000, seed: 11 + k }));
    const written = (results(await play.run(parts)) as number[]).reduce((sum, n) => sum + n, 0);
    assert.is(play.words[0], written);
    assert.is(play.words[1], written);
    assert.is(play.lock.locked, false);
    play.lock.write({ timeout: 20_000 }).release();
  });

  for (const how of ["read", "nested", "upgradable"] as const) {
    for (const ending of title === "wasm" ? (["terminate", "exit"] as const) : (["terminate"] as const)) {
      test(`a thread that dies by ${ending} with a hold (${how}) leaves nothing behind (${title})`, async () => {
        const play = make();
        await play.run([{ role: "victim", how, ending }], [0], (_, __, workers) => {
          if (ending === "terminate") void terminate(workers);
          // This thread blocks: nobody tells it of the death but the dead thread's silence.
          else play.lock.write({ timeout: 20_000 }).release();
        });
        play.lock.write({ timeout: 20_000 }).release();
        assert.is(play.lock.readers, 0);
        play.lock.read({ timeout: 20_000 }).release();
      });
    }
  }

  test(`a writer that dies while it waits for readers changed nothing: readers go on, and nobody is told (${title})`, async () => {
    const play = make();
    const { lock } = play;
    const guard = lock.read();
    const behind: Promise<unknown>[] = [];
    await play.run([{ role: "victim", how: "drain" }], [0], async (_, __, workers) => {
      await until(() => (play.mode & DRAINING) !== 0);
      behind.push(new Play(lock).run([{ role: "writer", rounds: 0 }]));
      await terminate(workers);
    });
    assert.is(lock.tryRead()?.held, true);
    await Promise.all(behind);
    guard.release();
    assert.is(lock.readers, 1);
  });

  test(`a reader that dies while it waits for a writer leaves nothing behind (${title})`, async () => {
    const play = make();
    const guard = play.lock.write();
    await play.run([{ role: "victim", how: "blocked" }], [0], async (_, __, workers) => {
      await until(() => play.mode < 0);
      await terminate(workers);
    });
    guard.release();
    play.lock.write({ timeout: 20_000 }).release();
    assert.is(play.lock.readers, 0);
  });

  for (const ending of title === "wasm" ? (["terminate", "exit", "throw"] as const) : (["terminate"] as const)) {
    test(`a writer that dies by ${ending}: all readers are told, until the writer that is told repairs (${title})`, async () => {
      const play = make();
      const { lock } = play;
      let waiting = 0;
      const parts = [{ role: "victim", how: "write", ending }, { role: "heir" }, { role: "heir" }] as const;
      const outcomes = await play.run(parts, [0], (message, _, workers) => {
        if (message === "waiting" && ++waiting === 2 && ending === "terminate") void terminate(workers);
      });
      const told = outcomes.slice(1).map(({ result }) => result) as { read: string; wrote: string }[];
      assert.equal(told.map(({ wrote }) => wrote).sort(), ["ok", "recovered"]);
      assert.equal(
        told.map(({ read }) => read),
        Array(2).fill("ERR_OWNER_DIED, held"),
      );
      lock.read().release();
      assert.is(play.words[0], play.words[1]);
    });
  }

  test(`released unmarked after a death, the lock is not recoverable, and says so to those who wait (${title})`, async () => {
    const play = make();
    const { lock } = play;
    await play.run([{ role: "victim", how: "write" }], [0], (_, __, workers) => void terminate(workers));
    const read = thrown(() => lock.read()) as OwnerDiedError<RwReadGuard>;
    assert.is(read.code, "ERR_OWNER_DIED");
    assert.is(lock.readers, 1);
    assert.is(read.guard?.markConsistent(), false);
    read.guard?.release();
    let told: RwReadGuard | undefined;
    const recovered = lock.read({
      recover: (held) => {
        told = held;
      },
    });
    assert.is(told, recovered);
    recovered.release();
    const error = (await rejected(lock.writeAsync())) as OwnerDiedError<RwWriteGuard>;
    assert.is(error.code, "ERR_OWNER_DIED");
    const guard = error.guard as RwWriteGuard;
    assert.is(guard.held, true);
    const waiting = [lock.readAsync(), lock.writeAsync(), lock.upgradableAsync()].map((p) =>
      p.then(
        () => "held",
        (e: { code: string }) => e.code,
      ),
    );
    guard.release();
    assert.equal(await Promise.all(waiting), Array(3).fill("ERR_NOT_RECOVERABLE"));
    assert.is(
      codeOf(() => lock.read()),
      "ERR_NOT_RECOVERABLE",
    );
    assert.is(
      codeOf(() => lock.write()),
      "ERR_NOT_RECOVERABLE",
    );
    assert.is(
      codeOf(() => lock.upgradable()),
      "ERR_NOT_RECOVERABLE",
    );
    assert.match(lock.toString(), /not recoverable/);
  });
}

test("threads that are ended at any moment stop nobody", async () => {
  const play = new Play(new RwLock());
  const { lock } = play;
  for (let round = 0; round < 8; round++) {
    await play.run(
      [0, 1].map((k) => ({ role: "storm", seed: 10 * round + k })),
      [0, 1],
      (_, index, workers) => {
        setTimeout(() => void workers[index].terminate(), 3 * ((7 * round + 5 * index) % 11));
      },
    );
    lock.write({ timeout: 20_000, recover: () => {} }).release();
    assert.is(lock.readers, 0);
  }
});

test("StampedLock: nothing that is validated is half-written", async () => {
  const play = new Play(new StampedLock());
  const parts = [
    { role: "optimist", rounds: 3000 },
    { role: "optimist", rounds: 3000 },
    { role: "writer", rounds: 1500 },
    { role: "stress", rounds: 500, seed: 5 },
  ] as const;
  const [first, second] = results(await play.run(parts));
  assert.is(first, 3000);
  assert.is(second, 3000);
  assert.is(play.words[0], play.words[1]);
});

test("StampedLock: a writer's death leaves the version odd; the next one moves it on", async () => {
  const play = new Play(new StampedLock());
  const { lock } = play;
  const stamp = lock.optimisticRead();
  await play.run([{ role: "victim", how: "write" }], [0], (_, __, workers) => void terminate(workers));
  assert.is(lock.optimisticRead(), 0);
  assert.is(lock.validate(stamp), false);
  const told = thrown(() => lock.readOptimistically(() => play.words[0])) as OwnerDiedError<{ release(): void }>;
  assert.is(told.code, "ERR_OWNER_DIED");
  told.guard?.release();
  assert.is(lock.optimisticRead(), 0);
  let mended = 0;
  const guard = lock.write({ recover: () => void mended++ });
  assert.is(mended, 1);
  assert.is(lock.validate(stamp), false);
  assert.is(lock.optimisticRead(), 0);
  guard.release();
  assert.is(lock.validate(stamp), false);
  assert.ok(lock.optimisticRead() > 0);
});

test.run();
