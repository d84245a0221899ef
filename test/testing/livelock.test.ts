// Claims about runs that never end: those that a fair scheduler allows are reported, with a bound on preemptions too, and no
// loop that is too long to be recognised passes as searched.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Body, explore, ModelError } from "../../src/testing/index.ts";
import * as t from "./textbook.ts";

const test = suite("livelocks");

type Words = Int32Array;

const spinner: Body<Words> = (w) => {
  t.spinLock(w, 0);
  t.spinUnlock(w, 0);
};

/** Raises its flag, and lowers it again if the other one's is up. */
const polite =
  (me: number, other: number): Body<Words> =>
  (w) => {
    for (;;) {
      Atomics.store(w, me, 1);
      if (Atomics.load(w, other) === 0) break;
      Atomics.store(w, me, 0);
    }
    Atomics.store(w, me, 0);
  };

test("two threads that give way to each other for ever are a livelock", async () => {
  const options = { memory: t.view(2), threads: [polite(0, 1), polite(1, 0)] };
  const { failure } = await explore(options);
  assert.is(failure?.kind, "livelock");
  assert.ok((await explore({ ...options, livelocks: "ignore" })).ok);
});

test("under a bound on preemptions a livelock is one if the bound keeps no thread out of it", async () => {
  // The second thread waits for ever, without a switch, for what nobody will do.
  const waits: Body<Words> = (w) => {
    while (Atomics.load(w, 1) === 0);
  };
  const acts: Body<Words> = (w) => void Atomics.store(w, 0, 1);
  const stuck = await explore({ memory: t.view(2), threads: [acts, waits], preemptions: 1 });
  assert.is(stuck.failure?.kind, "livelock");
  // Here someone will, and only the bound could keep it from that: no livelock.
  const does: Body<Words> = (w) => void Atomics.store(w, 1, 1);
  for (const preemptions of [0, 1, 2]) {
    const free = await explore({ memory: t.view(2), threads: [does, waits], preemptions });
    assert.is(free.failure, undefined, `${preemptions} preemptions`);
    assert.is(free.exhaustive, false);
  }
});

test("a thread that spins for what a dead one should have done is a livelock", async () => {
  const { failure } = await explore({ memory: t.view(1), threads: [spinner, spinner], crashes: 1 });
  assert.is(failure?.kind, "livelock");
});

/** A loop of `length` operations that changes nothing and never ends. */
const round =
  (length: number): Body<Words> =>
  (w) => {
    for (;;) for (let i = 0; i < length; i++) Atomics.load(w, i);
  };

test("a loop of 64 operations is recognised; a longer one is refused, and never passes", async () => {
  const short = await explore({ memory: t.view(64), threads: [round(64)] });
  assert.is(short.failure?.kind, "livelock");
  try {
    await explore({ memory: t.view(65), threads: [round(65)], maxSteps: 500, watchdogMs: 120_000 });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, ModelError);
    assert.is((error as ModelError).code, "ERR_MODEL_ENDLESS");
    assert.match((error as ModelError).message, /has not ended after 500 operations/);
  }
});

test.run();
