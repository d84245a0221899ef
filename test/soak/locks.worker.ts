// A thread of the kill storm over locks: it does one thing after another with locks of every kind until it is killed or
// told to stop, and reports whatever it sees that the locks should have made impossible.

import { parentPort, workerData } from "node:worker_threads";
import { BrokenBarrierError } from "../../src/cells/errors.ts";
import { Barrier } from "../../src/locks/barrier.ts";
import { Condition } from "../../src/locks/condition.ts";
import { Event } from "../../src/locks/event.ts";
import { Latch } from "../../src/locks/latch.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { Once } from "../../src/locks/once.ts";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { RwLock } from "../../src/locks/rw-lock.ts";
import { Semaphore } from "../../src/locks/semaphore.ts";
import { StampedLock } from "../../src/locks/stamped-lock.ts";
import { isAlive } from "../../src/region/threads.ts";
import {
  COUNTS,
  FASHION,
  HOLDING,
  INSIDE,
  type LockHandles,
  operations,
  PAIRS,
  PERMITS,
  READING,
  SLOTS,
  STOP,
  THREAD_WORDS,
  THREADS,
} from "./locks-plan.ts";

interface Input {
  readonly handles: LockHandles;
  readonly memory: SharedArrayBuffer;
  readonly number: number;
  readonly seed: number;
}

const { handles, memory, number, seed } = workerData as Input;
const plain = new Int32Array(memory);
const at = THREADS + number * THREAD_WORDS;

const mutex = Mutex.from(handles.mutex);
const reentrant = ReentrantMutex.from(handles.reentrant);
const rw = RwLock.from(handles.rw);
const stamped = StampedLock.from(handles.stamped);
const guarding = Mutex.from(handles.guarding);
const condition = Condition.from(handles.condition, guarding);
const single = Semaphore.from(handles.single);
const fairSingle = Semaphore.from(handles.fairSingle);
const several = Semaphore.from(handles.several);
const fairSeveral = Semaphore.from(handles.fairSeveral);
const event = Event.from(handles.event);
const latch = Latch.from(handles.latch);
const barrier = Barrier.from(handles.barrier);
const onces = handles.onces.map((handle) => Once.from(handle));
const { me } = mutex;
const slot = me & 0xfff;

let state = seed;
function random(n: number): number {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return (state >>> 8) % n;
}

function wrong(what: string): void {
  parentPort?.postMessage(what);
}

/** Whether a mark is that of a thread that lives and is not this one. */
function isOther(mark: number): boolean {
  return mark !== 0 && mark !== me && isAlive(mutex.region.memory.words, mark);
}

/** Time passes inside: seldom enough for another thread to come by. */
function linger(): void {
  const kind = random(16);
  if (kind === 0) Atomics.wait(plain, 1, 0, 1);
  else for (let i = 4 * kind; i > 0; i--) state = (state * 7 + i) & 0x7fffffff;
}

/** One thread at a time is here. */
function inside(room: number): void {
  const mark = plain[INSIDE + room];
  if (isOther(mark)) wrong(`${operations[plain[at + 1]]}: two threads inside room ${room}`);
  plain[INSIDE + room] = me;
  const count = plain[COUNTS + room];
  linger();
  if (plain[INSIDE + room] !== me) wrong(`${operations[plain[at + 1]]}: another thread came into room ${room}`);
  plain[COUNTS + room] = count + 1;
  plain[at + 2 + room] += 1;
  plain[INSIDE + room] = 0;
}

function noReaders(room: number): void {
  for (let other = 0; other < SLOTS; other++) {
    if (other !== slot && isOther(plain[READING + room * SLOTS + other])) wrong(`a reader beside a writer in ${room}`);
  }
}

function write(room: number): void {
  noReaders(room);
  plain[PAIRS + 2 * room] += 1;
  inside(room);
  plain[PAIRS + 2 * room + 1] = plain[PAIRS + 2 * room];
  noReaders(room);
}

function read(room: number): void {
  plain[READING + room * SLOTS + slot] = me;
  if (isOther(plain[INSIDE + room])) wrong(`a writer beside a reader in ${room}`);
  const first = plain[PAIRS + 2 * room];
  linger();
  if (plain[PAIRS + 2 * room + 1] !== first) wrong(`a reader saw half of a write in ${room}`);
  plain[READING + room * SLOTS + slot] = 0;
}

/** After a writer's death: the pair is made whole. A reader, who may not, reads nothing. */
const repair = (room: number) => (): void => {
  plain[PAIRS + 2 * room + 1] = plain[PAIRS + 2 * room];
};

/** Reads if no writer died; else has a writer repair what it left. */
function readOrRepair(lock: RwLock | StampedLock, room: number): void {
  let inDoubt = false;
  lock.withRead(
    () => {
      if (!inDoubt) read(room);
    },
    { recover: () => void (inDoubt = true) },
  );
  if (inDoubt) lock.withWrite(() => undefined, { recover: repair(room) });
}

function upgrade(): void {
  let inDoubt = false;
  using guard = rw.upgradable({ recover: () => void (inDoubt = true) });
  if (!inDoubt) {
    if (plain[PAIRS] !== plain[PAIRS + 1]) wrong("an upgradable holder saw half of a write");
  }
  using _writing = guard.upgrade({ recover: repair(0) });
  write(0);
}

function downgrade(): void {
  const guard = rw.write({ recover: repair(0) });
  write(0);
  const after = plain[PAIRS];
  using _reading = guard.downgrade();
  plain[READING + slot] = me;
  linger();
  if (plain[PAIRS] !== after) wrong("somebody wrote during a downgrade");
  plain[READING + slot] = 0;
}

/** Marks of those who hold permits, if there are more of them than permits. */
function tooMany(base: number): string | undefined {
  const marks: number[] = [];
  for (let other = 0; other < SLOTS; other++) {
    if (other !== slot && isOther(plain[base + other])) marks.push(plain[base + other]);
  }
  return marks.length < PERMITS ? undefined : marks.join();
}

function holdOneOfSeveral(semaphore: Semaphore, which: number): void {
  const base = HOLDING + which * SLOTS;
  semaphore.acquire();
  plain[base + slot] = me;
  const first = tooMany(base);
  linger();
  // The marks are read one after another: only those of the same holders twice are of one moment. A thread has the same
  // mark each time it holds, so a third look, after a while, makes a coincidence unlikely, and a fourth more so.
  let still = first;
  for (let looks = 0; looks < 50 && still !== undefined; looks++) {
    const next = tooMany(base);
    still = next === still ? next : undefined;
  }
  if (still !== undefined) wrong(`more than ${PERMITS} hold permits`);
  plain[base + slot] = 0;
  semaphore.release();
}

function waitForOthers(): void {
  const guard = guarding.lock({ recover: () => undefined });
  inside(4);
  if (random(2) === 0) condition.wait({ timeout: 3, recover: () => undefined });
  else condition.notify(1 + random(3));
  if (!guard.held) wrong("a condition gave the lock away");
  inside(4);
  guard.release();
}

function meet(): void {
  try {
    barrier.wait({ timeout: 2 });
  } catch (error) {
    if (!(error instanceof BrokenBarrierError)) throw error;
    barrier.reset();
  }
}

function once(): void {
  const which = random(onces.length);
  if (onces[which].call(() => inside(8 + which))) return;
  if (plain[COUNTS + 8 + which] === 0) wrong("a once counts as done, and was not");
}

let leftToCount = latch.count;
function countDown(): void {
  latch.countDown();
  if (latch.wait({ timeout: 0 })) wrong("a latch opened early");
  const left = latch.count;
  if (left >= leftToCount) wrong("a latch counted up");
  leftToCount = left;
}

function signal(): void {
  if (random(3) === 0) event.clear();
  else event.set();
  event.wait({ timeout: 1 });
}

function two(): void {
  mutex.withLock(() => reentrant.withLock(() => inside(3), { recover: () => undefined }), { recover: () => undefined });
}

const recover = (): void => undefined;
const does: readonly (() => void)[] = [
  () => mutex.withLock(() => inside(2), { recover }),
  () => reentrant.withLock(() => reentrant.withLock(() => inside(3)), { recover }),
  () => rw.withWrite(() => write(0), { recover: repair(0) }),
  () => readOrRepair(rw, 0),
  upgrade,
  downgrade,
  () => stamped.withWrite(() => write(1), { recover: repair(1) }),
  () => readOrRepair(stamped, 1),
  () => {
    const stamp = stamped.optimisticRead();
    const [a, b] = [plain[PAIRS + 2], plain[PAIRS + 3]];
    if (stamp !== 0 && stamped.validate(stamp) && a !== b) wrong("an optimistic read of half a write counted");
  },
  waitForOthers,
  () => single.withPermits(() => inside(5)),
  () => fairSingle.withPermits(() => inside(6)),
  () => holdOneOfSeveral(several, 0),
  () => holdOneOfSeveral(fairSeveral, 1),
  signal,
  countDown,
  meet,
  once,
  two,
];

const waits: ReadonlySet<() => void> = new Set([waitForOthers, signal, meet]);

parentPort?.postMessage("ready");
while (Atomics.load(plain, STOP) === 0) {
  // Most do what the others do, so that they get into each other's way.
  const which = random(4) === 0 ? random(does.length) : plain[FASHION];
  plain[FASHION] = which;
  plain[at + 1] = which;
  // What needs no time of its own is done several times over, so that threads meet there.
  for (let times = waits.has(does[which]) ? 1 : 1 + random(40); times > 0; times--) {
    does[which]();
    Atomics.add(plain, at, 1);
  }
}
