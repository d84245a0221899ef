// The registry of threads: ids, slots used again, death told by id and by probe, and a reaper that is itself ended.

import * as assert from "uvu/assert";
import { load, store } from "../../src/cells/atomics.ts";
import { RegionError } from "../../src/cells/errors.ts";
import { WOKEN, wake } from "../../src/cells/park.ts";
import { formatHeader } from "../../src/region/format.ts";
import { threadId } from "../../src/region/host.ts";
import {
  overheadBytes,
  PROBE_CELLS,
  SLOT_ALIVE,
  SLOT_CLAIMED,
  SLOT_DEAD,
  SLOT_FREE,
  T_CLAIM,
  T_PROBE,
  T_PROBES,
  T_STATE,
} from "../../src/region/layout.ts";
import { Region } from "../../src/region/region.ts";
import {
  announceSleep,
  buryThread,
  countAlive,
  isAlive,
  leaveSeat,
  probe,
  reapDead,
  slotWord,
  takeSeat,
  threadIdOf,
  wakeAllSleepers,
} from "../../src/region/threads.ts";
import { atEachOperation } from "../support/inject.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("threads");
const file = new URL("./threads.worker.js", import.meta.url);

function registry(maxThreads: number): Int32Array {
  const bytes = overheadBytes(maxThreads) + 4096;
  const words = new Int32Array(new SharedArrayBuffer(bytes));
  formatHeader(words, bytes, bytes, maxThreads);
  return words;
}

const stateOf = (words: Int32Array, slot: number): number => load(words, slotWord(slot) + T_STATE) & 3;

test("owner ids are distinct, never 0, never all ones", () => {
  const words = registry(100);
  const ids = new Set<number>();
  for (let k = 0; k < 100; k++) ids.add(takeSeat(words).me);
  assert.is(ids.size, 100);
  for (const id of ids) assert.ok(id > 0 && id < 0xfffffff);
  assert.is(countAlive(words), 100);
});

test("a full registry refuses the next thread, and changes nothing but where the next search begins", () => {
  const words = registry(3);
  const seats = [takeSeat(words), takeSeat(words), takeSeat(words)];
  assert.throws(
    () => takeSeat(words),
    (error: RegionError) =>
      error instanceof RegionError && error.code === "ERR_REGION_THREADS" && /all 3 thread slots/.test(error.message),
  );
  assert.is(countAlive(words), 3);
  for (const { me } of seats) assert.ok(isAlive(words, me));
});

test("a slot that was left is used again, under another id", () => {
  const words = registry(1);
  const seen = new Set<number>();
  for (let k = 0; k < 1000; k++) {
    const seat = takeSeat(words);
    assert.ok(isAlive(words, seat.me));
    seen.add(seat.me);
    leaveSeat(words, seat);
    assert.not.ok(isAlive(words, seat.me));
  }
  assert.is(seen.size, 1000);
  assert.is(countAlive(words), 0);
});

test("the generation wraps from its last value to 1, past 0", () => {
  const words = registry(1);
  store(words, slotWord(0) + T_STATE, (0xfffe << 2) | SLOT_FREE);
  const last = takeSeat(words);
  assert.is(last.me >>> 12, 0xffff);
  assert.ok(isAlive(words, last.me));
  leaveSeat(words, last);
  const next = takeSeat(words);
  assert.is(next.me >>> 12, 1);
  assert.not.ok(isAlive(words, last.me));
});

test("leaving a seat that is no longer one's own does nothing", () => {
  const words = registry(1);
  const first = takeSeat(words);
  leaveSeat(words, first);
  const second = takeSeat(words);
  leaveSeat(words, first);
  assert.ok(isAlive(words, second.me));
  for (let k = 0; k < 50; k++) assert.not.ok(probe(words, second.me, true));
});

test("burying by thread id frees that thread's slots and no other", () => {
  const words = registry(4);
  const mine = takeSeat(words);
  const other = takeSeat(words);
  store(words, other.at + T_CLAIM, 4711 + 1);
  buryThread(words, 4711);
  assert.not.ok(isAlive(words, other.me));
  assert.ok(isAlive(words, mine.me));
  assert.is(threadIdOf(words, mine.me), threadId());
  assert.is(threadIdOf(words, other.me), undefined);
  // A late, second telling must not touch the next tenant.
  const next = [takeSeat(words), takeSeat(words), takeSeat(words)];
  buryThread(words, 4711);
  for (const { me } of next) assert.ok(isAlive(words, me));
});

test("a reaper that was ended half-way leaves work that the next one finishes", () => {
  const words = registry(1);
  const seat = takeSeat(words);
  store(words, seat.at + T_STATE, (load(words, seat.at + T_STATE) & ~3) | SLOT_DEAD);
  assert.not.ok(isAlive(words, seat.me));
  assert.is(reapDead(words), 1);
  assert.is(stateOf(words, 0), SLOT_FREE);
  assert.is(load(words, seat.at + T_CLAIM), 0);
  assert.ok(takeSeat(words).me !== seat.me);
});

test("a full registry finds half-buried slots by itself", () => {
  const words = registry(1);
  const seat = takeSeat(words);
  store(words, seat.at + T_STATE, (load(words, seat.at + T_STATE) & ~3) | SLOT_DEAD);
  assert.ok(isAlive(words, takeSeat(words).me));
});

test("a thread that died while it took a slot gives it back when its end is told", () => {
  const words = registry(1);
  store(words, slotWord(0) + T_STATE, (7 << 2) | SLOT_CLAIMED);
  store(words, slotWord(0) + T_CLAIM, 99 + 1);
  assert.throws(() => takeSeat(words), /thread slots/);
  buryThread(words, 98);
  assert.is(stateOf(words, 0), SLOT_CLAIMED);
  buryThread(words, 99);
  assert.is(stateOf(words, 0), SLOT_FREE);
  assert.is(takeSeat(words).me >>> 12, 8);
});

test("an owner id of no slot is of nobody", () => {
  const words = registry(4);
  assert.not.ok(isAlive(words, (1 << 12) | 4));
  assert.not.ok(isAlive(words, 0xffffffe));
  assert.ok(probe(words, 0xffffffe));
});

test("asking again and again does not use up a living thread's probes", () => {
  const words = registry(1);
  const seat = takeSeat(words);
  const armed = load(words, seat.at + T_PROBES);
  for (let k = 0; k < 1000; k++) assert.not.ok(probe(words, seat.me));
  assert.ok(load(words, seat.at + T_PROBES) >= armed / 2, "1,000 questions within milliseconds cost a few probes");
});

test("two threads that attach at once, when all who had the seats are gone, get one each", async () => {
  await atEachOperation(async (inject) => {
    const words = registry(2);
    for (const { me, at } of [takeSeat(words), takeSeat(words)]) {
      // The thread is gone, and nobody was told.
      while (wake(words, at + T_PROBE + ((me >>> 12) & (PROBE_CELLS - 1)), 1) > 0) continue;
    }
    let other: number | undefined;
    const { me } = inject(
      () => takeSeat(words),
      () => {
        other = takeSeat(words).me;
        return true;
      },
    );
    assert.is.not(me, other);
    assert.ok(isAlive(words, me) && (other === undefined || isAlive(words, other)));
    return other !== undefined;
  });
});

test("probes that were used up mean unknown, not dead", () => {
  const words = registry(1);
  const seat = takeSeat(words);
  for (let k = 0; k < 1000; k++) assert.not.ok(probe(words, seat.me, true));
  assert.is(load(words, seat.at + T_PROBES), 0);
  assert.ok(isAlive(words, seat.me));
});

test("the event loop's next turn arms the probes again, and no more than there were", async () => {
  const words = registry(1);
  const seat = takeSeat(words);
  const armed = load(words, seat.at + T_PROBES);
  for (let round = 0; round < 5; round++) {
    for (let k = 0; k < 20; k++) probe(words, seat.me, true);
    while (load(words, seat.at + T_PROBES) < armed) await new Promise((resolve) => setImmediate(resolve));
    assert.is(load(words, seat.at + T_PROBES), armed);
  }
});

test("a thread arms its probes again before it sleeps", () => {
  const words = registry(1);
  const seat = takeSeat(words);
  const armed = load(words, seat.at + T_PROBES);
  for (let round = 0; round < 10; round++) {
    while (load(words, seat.at + T_PROBES) > 0) assert.not.ok(probe(words, seat.me, true));
    announceSleep(words, seat.at, 16, 16);
    announceSleep(words, seat.at, 0, 0);
    assert.is(load(words, seat.at + T_PROBES), armed);
  }
  assert.is(stateOf(words, 0), SLOT_ALIVE);
});

test("a probe tells a blocked thread from one that is gone", async () => {
  const words = registry(4);
  let blocked = 0;
  let asked = 0;
  await runWorkers({
    file,
    count: 1,
    workerData: { behaviour: "block", words },
    mayDie: () => true,
    onMessage: async (message, _, workers) => {
      blocked = (message as { me: number }).me;
      while (asked < 10 && !probe(words, blocked, true)) asked++;
      await workers[0].terminate();
    },
  });
  assert.is(asked, 10, "while it blocks, it answers");
  assert.ok(isAlive(words, blocked), "nobody has been told yet");
  assert.ok(probe(words, blocked, true));
  assert.not.ok(isAlive(words, blocked));
});

test("waking all sleepers reaches a cell beyond this thread's view of a memory that grew", async () => {
  const region = Region.create();
  const short = region.memory.words;
  const [outcome] = await runWorkers({
    file,
    count: 1,
    workerData: { behaviour: "sleep beyond the view", region: region.share() },
    onMessage: () => {
      const wakeAgain = (): void => {
        wakeAllSleepers(short);
        if (region.threads > 0) setImmediate(wakeAgain);
      };
      wakeAgain();
    },
  });
  assert.is(outcome.result, WOKEN);
});

test.run();
