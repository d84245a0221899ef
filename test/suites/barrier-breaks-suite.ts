// What a Barrier promises when a generation ends badly: abort, reset, time-outs, errors, deaths.

import * as assert from "uvu/assert";
import { Barrier } from "../../src/index.ts";
import { awaitingCell } from "../../src/locks/async-waiters.ts";
import {
  ACTING,
  act,
  arrive,
  ENDED,
  endBadly,
  endedBadly,
  GEN,
  STATUS,
  trip,
  WHOLE,
} from "../../src/protocols/barrier.ts";
import { anotherThread, bury, crashAt } from "../support/crash.ts";
import { atEachOperation } from "../support/inject.ts";
import { codeOf, rejected, thrown } from "../support/thrown.ts";
import { timersAlive } from "../support/timers.ts";
import { type Ending, startVictim } from "../support/victim.ts";
import { type BarrierKit, barrierWorker as file } from "./barrier-kit.ts";

export function breaks(kit: BarrierKit): void {
  const { test, region, make, waiters } = kit;

  test("abort breaks it for all who wait and all who come, until reset", async () => {
    const barrier = make(3);
    const results = await waiters(barrier);
    assert.is(barrier.waiting, 2);
    barrier.abort();
    assert.is(barrier.broken, true);
    assert.is(barrier.waiting, 0);
    assert.equal(await results(), ["ERR_BROKEN_BARRIER", "ERR_BROKEN_BARRIER"]);
    assert.is(
      codeOf(() => barrier.wait()),
      "ERR_BROKEN_BARRIER",
    );
    assert.is((await rejected(barrier.waitAsync())).code, "ERR_BROKEN_BARRIER");
    barrier.abort();
    barrier.reset();
    assert.is(barrier.broken, false);
    const again = await waiters(barrier);
    assert.is(barrier.wait(), 2);
    assert.equal(await again(), [0, 1]);
  });

  test("reset sends those who wait away, and the barrier is whole", async () => {
    const barrier = make(3);
    const results = await waiters(barrier);
    barrier.reset();
    assert.equal(await results(), ["ERR_BROKEN_BARRIER", "ERR_BROKEN_BARRIER"]);
    assert.is(barrier.broken, false);
    const again = await waiters(barrier);
    assert.is(barrier.wait(), 2);
    assert.equal(await again(), [0, 1]);
    const before = region.memory.words[barrier.index + GEN];
    barrier.reset();
    assert.is(region.memory.words[barrier.index + GEN], before, "a reset of an empty barrier changes nothing");
  });

  test("a time-out breaks it for all", async () => {
    const barrier = make(4);
    const results = await waiters(barrier);
    const error = thrown(() => barrier.wait({ timeout: 2 }));
    assert.is(error.code, "ERR_BROKEN_BARRIER");
    assert.equal(error.info, { timeout: 2 });
    assert.match(error.message, /4 parties within 2 ms/);
    assert.equal(await results(), ["ERR_BROKEN_BARRIER", "ERR_BROKEN_BARRIER"]);
    barrier.reset();
    const others = await waiters(barrier);
    assert.is((await rejected(barrier.waitAsync({ timeout: 2 }))).code, "ERR_BROKEN_BARRIER");
    assert.equal(await others(), ["ERR_BROKEN_BARRIER", "ERR_BROKEN_BARRIER"]);
  });

  test("the constructor's time-out holds for waits that give none", () => {
    const barrier = make(2, { timeout: 2 });
    assert.equal(thrown(() => barrier.wait()).info, { timeout: 2 });
    barrier.reset();
    assert.equal(thrown(() => barrier.wait({ timeout: 3 })).info, { timeout: 3 });
    const copy = Barrier.from({ ...barrier.share() }, { timeout: 4 });
    copy.reset();
    assert.equal(thrown(() => copy.wait()).info, { timeout: 4 });
  });

  test("a wait whose time ends while the last one comes is either through, or has broken it for both", async () => {
    let both = 0;
    await atEachOperation(async (inject) => {
      const barrier = make(2);
      const twin = Barrier.from({ ...barrier.share() });
      let arrived: Promise<unknown> | undefined;
      const mine = inject(
        () => outcomeOf(() => barrier.wait({ timeout: 20 })),
        () => {
          // Where this thread holds the barrier's mutex, the other one would wait for it.
          if (region.memory.words[barrier.index] !== 0) return false;
          arrived = twin.waitAsync().catch((error: { code?: string }) => error.code);
          return true;
        },
      );
      if (arrived === undefined) return false;
      // Through: so must the other one be, however late its task runs. Broken: it may wait for another round.
      const theirs = mine === "ERR_BROKEN_BARRIER" ? Promise.race([arrived, pause(0)]) : arrived;
      const pair = [mine, await theirs].join();
      if (pair === "0,1" || pair === "1,0") both++;
      else assert.ok(["ERR_BROKEN_BARRIER,ERR_BROKEN_BARRIER", "ERR_BROKEN_BARRIER,still"].includes(pair), pair);
      barrier.abort();
      return true;
    });
    assert.ok(both > 0);
  });

  test("an error in the action is passed on to the one that ran it; the others find it broken", async () => {
    const error = new Error("no");
    const barrier = make(3, {
      action: () => {
        throw error;
      },
    });
    const results = await waiters(barrier);
    assert.is(
      thrown(() => barrier.wait()),
      error,
    );
    assert.equal(await results(), ["ERR_BROKEN_BARRIER", "ERR_BROKEN_BARRIER"]);
    assert.is(barrier.broken, true);
    barrier.reset();
    const again = await waiters(barrier);
    assert.is(await rejected(barrier.waitAsync()), error);
    assert.equal(await again(), ["ERR_BROKEN_BARRIER", "ERR_BROKEN_BARRIER"]);
  });

  test("abort and reset inside the action end its generation for the worse", async () => {
    for (const call of ["abort", "reset"] as const) {
      const barrier = make(3, { action: () => barrier[call]() });
      const results = await waiters(barrier);
      assert.is(
        codeOf(() => barrier.wait()),
        "ERR_BROKEN_BARRIER",
      );
      assert.equal(await results(), ["ERR_BROKEN_BARRIER", "ERR_BROKEN_BARRIER"]);
      assert.is(barrier.broken, call === "abort");
    }
  });

  test("an aborted task breaks the generation that it arrived in; one that has not arrived breaks nothing", async () => {
    const barrier = make(3);
    const before = timersAlive();
    const controller = new AbortController();
    const results = await waiters(barrier);
    assert.is(await barrier.waitAsync({ signal: controller.signal, timeout: 60_000 }), 2);
    controller.abort("late");
    assert.is(barrier.broken, false);
    assert.equal(await results(), [0, 1]);
    const lone = rejected(barrier.waitAsync({ signal: controller.signal }));
    assert.is(await lone, "late");
    assert.is(barrier.waiting, 0);
    const second = new AbortController();
    const waits = rejected(barrier.waitAsync({ signal: second.signal }));
    assert.is(barrier.waiting, 1);
    second.abort("stop");
    assert.is(await waits, "stop");
    assert.is(barrier.broken, true);
    barrier.reset();
    // Somebody's action runs: those who come now have not arrived.
    const { words } = region.memory;
    act(words, barrier.index, region.me);
    const third = new AbortController();
    const early = rejected(barrier.waitAsync({ signal: third.signal }));
    third.abort("early");
    assert.is(await early, "early");
    assert.is((await rejected(barrier.waitAsync({ timeout: 1 }))).code, "ERR_BROKEN_BARRIER");
    assert.is(words[barrier.index + STATUS], ACTING);
    assert.is(awaitingCell(region, barrier.index + GEN), 0);
    assert.is(timersAlive(), before);
  });

  test("who slept through later ends still knows its own", () => {
    const { words } = region.memory;
    const { index } = make(2);
    const ended = (): number => words[index + ENDED];
    const first = words[index + GEN];
    arrive(words, index);
    trip(words, index);
    const second = words[index + GEN];
    const atSecond = ended();
    endBadly(words, index, WHOLE);
    for (let k = 0; k < 20; k++) {
      trip(words, index);
      endBadly(words, index, WHOLE);
    }
    assert.is(endedBadly(words, index, first, 0), false);
    assert.is(endedBadly(words, index, second, atSecond), true);
    for (let k = 0; k < 40; k++) endBadly(words, index, WHOLE);
    // More ends than are remembered: a generation in doubt counts as broken, never as passed.
    assert.is(endedBadly(words, index, second, atSecond), true);
  });

  test("a thread that dies while it waits counts as arrived", async () => {
    for (const ending of ["terminate()", "an uncaught error"] as const) {
      const barrier = make(3);
      const victim = startVictim(file, ending, { role: "victim waits", handle: barrier.share() });
      await victim.ready;
      await victim.end();
      const first = barrier.waitAsync();
      assert.is(await barrier.waitAsync(), 2);
      assert.is(await first, 1);
    }
  });

  for (const ending of ["terminate()", "process.exit()"] as Ending[]) {
    test(`if the one that runs the action ends by ${ending}, the barrier is broken for all`, async () => {
      const barrier = make(3);
      const results = await waiters(barrier);
      const victim = startVictim(file, ending, { role: "victim acts", handle: barrier.share() });
      await victim.ready;
      const late = rejected(barrier.waitAsync());
      await victim.end();
      assert.equal(await results(), ["ERR_BROKEN_BARRIER", "ERR_BROKEN_BARRIER"]);
      assert.is((await late).code, "ERR_BROKEN_BARRIER");
      barrier.reset();
      const again = await waiters(barrier);
      assert.is(barrier.wait(), 2);
      assert.equal(await again(), [0, 1]);
    });
  }

  test("a death at any operation of the last one's arrival leaves a barrier that works", async () => {
    const judged: Promise<void>[] = [];
    for (let at = 0, died = true; died; at++) {
      const barrier = make(2);
      const waiting = barrier.waitAsync().catch((error: { code?: string }) => error.code);
      const there = anotherThread(region);
      const twin = new Barrier({ region: there, parties: 2 });
      twin.free();
      Object.defineProperty(twin, "index", { value: barrier.index });
      died = crashAt(at, () => {
        assert.is(twin.wait(), 1);
      });
      bury(there);
      // All pause at once.
      const outcome = died ? Promise.race([waiting, pause(600)]) : waiting;
      judged.push(outcome.then((result) => stillWorks(barrier, waiting, result, `ended at operation ${at}`)));
    }
    await Promise.all(judged);
  });
}

/** A barrier of two at which the last one died, and what the other one's wait came to by then. */
async function stillWorks(barrier: Barrier, waiting: Promise<unknown>, result: unknown, where: string): Promise<void> {
  if (result === "still") {
    // It died before it had arrived: there is room for another one.
    assert.is(barrier.wait(), 1, where);
    assert.is(await waiting, 0);
    return;
  }
  assert.ok(result === 0 || result === "ERR_BROKEN_BARRIER", `${where}: ${result}`);
  barrier.reset();
  const again = barrier.waitAsync();
  assert.is(barrier.wait(), 1);
  assert.is(await again, 0);
}

function outcomeOf(work: () => number): unknown {
  try {
    return work();
  } catch (error) {
    return (error as { code?: string }).code ?? error;
  }
}

function pause(ms: number): Promise<"still"> {
  return new Promise((resolve) => setTimeout(() => resolve("still"), ms));
}
