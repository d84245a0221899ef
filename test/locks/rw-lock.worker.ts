// The threads of rw-lock-threads.test.ts: each plays one role with the lock that it is handed.
//
// FLAGS: int32 cells in shared memory, by which the test and its threads tell each other how far they are. DATA: two words
// that only a writer changes, the second after the first, and two counters of who is inside.

import { parentPort } from "node:worker_threads";
import { RwLock, type RwLockHandle } from "../../src/locks/rw-lock.ts";
import { StampedLock, type StampedLockHandle } from "../../src/locks/stamped-lock.ts";
import { MODE } from "../../src/protocols/rw-lock.ts";
import { codeOf } from "../support/thrown.ts";
import { untilTerminated } from "../support/until-terminated.ts";
import { data, finish, step } from "../support/watchdog.ts";
import type { Role, Setup } from "./rw-lock.roles.ts";

const setup = data<Setup>();
const stamped = setup.lock.holdfast === "stamped-lock";
const lock = stamped ? StampedLock.from(setup.lock as StampedLockHandle) : RwLock.from(setup.lock as RwLockHandle);
/** The lock, in the roles that only an RwLock has. */
const rwLock = lock as RwLock;
const { flags, words } = setup;

function raise(flag: number): void {
  Atomics.store(flags, flag, 1);
  Atomics.notify(flags, flag);
}

function await1(flag: number): void {
  step(`awaiting flag ${flag}`);
  while (Atomics.load(flags, flag) === 0) Atomics.wait(flags, flag, 0, 50);
}

/** What a writer does: two words that are only equal outside of it. */
function change(): void {
  if (Atomics.add(words, 2, 1) !== 0 || Atomics.load(words, 3) !== 0) throw new Error("a writer is not alone");
  words[0]++;
  for (let k = 0; k < 20; k++) words[4 + k]++;
  words[1]++;
  Atomics.sub(words, 2, 1);
}

function look(): void {
  Atomics.add(words, 3, 1);
  if (Atomics.load(words, 2) !== 0) throw new Error("a reader beside a writer");
  const first = words[0];
  for (let k = 0; k < 20; k++) if (words[4 + k] !== first) throw new Error("half-written data");
  if (words[1] !== first) throw new Error("half-written data");
  Atomics.sub(words, 3, 1);
}

let seed = (setup.seed ?? 1) + setup.index * 7919;
function random(below: number): number {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return (seed >>> 8) % below;
}

/** One random operation; 1 if it wrote. */
async function operate(): Promise<number> {
  switch (random(12)) {
    case 0: {
      using guard = lock.write();
      void guard;
      change();
      return 1;
    }
    case 1: {
      using guard = await lock.writeAsync();
      void guard;
      change();
      return 1;
    }
    case 2: {
      const guard = lock.tryWrite({ timeout: random(2) });
      if (guard === undefined) return 0;
      change();
      guard.release();
      return 1;
    }
    case 3: {
      if (stamped) break;
      const upgradable = rwLock.upgradable();
      look();
      const writing = upgradable.tryUpgrade({ timeout: random(3) });
      if (writing === undefined) upgradable.release();
      else {
        change();
        const reading = writing.downgrade();
        look();
        reading.release();
        return 1;
      }
      return 0;
    }
    case 4: {
      const guard = await lock.readAsync();
      look();
      await Promise.resolve();
      guard.release();
      return 0;
    }
    case 5: {
      const guard = lock.tryRead({ timeout: random(2) });
      if (guard === undefined) return 0;
      look();
      guard.release();
      return 0;
    }
    case 6: {
      using outer = lock.read();
      using inner = lock.read();
      void [outer, inner];
      look();
      return 0;
    }
    case 7: {
      try {
        const guard = await lock.writeAsync({ timeout: random(3) });
        change();
        guard.release();
        return 1;
      } catch (error) {
        if ((error as { code?: string }).code !== "ERR_TIMEOUT") throw error;
        return 0;
      }
    }
    default:
  }
  using guard = lock.read();
  void guard;
  look();
  return 0;
}

const roles: Record<Role, () => unknown> = {
  async stress() {
    let written = 0;
    for (let k = 0; k < (setup.rounds ?? 0); k++) {
      step("operation");
      written += await operate();
    }
    return written;
  },

  /** Writes behind the test's read hold, gives up, and then in earnest. */
  pendingWriter() {
    raise(0);
    let first: unknown;
    // Until the reader has seen it wait: on a busy machine that may take more than one wait.
    do {
      step("write with a time-out");
      first = codeOf(() => lock.write({ timeout: 200 }));
    } while (first === "ERR_TIMEOUT" && Atomics.load(flags, 1) === 0);
    await1(2);
    step("write");
    const guard = lock.write();
    change();
    guard.release();
    return first;
  },

  /** Once a writer waits, no new reader comes in; when it gives up, the waiting one does. */
  newReader() {
    await1(0);
    // The writer waits from about now on: until then a read is still to be had.
    let pending = false;
    while (!pending) {
      const guard = lock.tryRead();
      pending = guard === undefined;
      guard?.release();
    }
    step("read behind the writer");
    raise(1);
    const guard = lock.read();
    look();
    guard.release();
    raise(2);
  },

  downgrader() {
    const guard = rwLock.write();
    raise(0);
    await1(1);
    // Not before the reader waits: one that comes later has to wait behind the writer.
    step("until the reader waits");
    while (Atomics.load(lock.region.memory.words, lock.index + MODE) >= 0) Atomics.wait(flags, 62, 0, 1);
    change();
    const reading = guard.downgrade();
    raise(2);
    await1(3);
    look();
    const { readers } = lock;
    reading.release();
    return readers;
  },

  /** Reads beside the downgraded hold. */
  readerBeside() {
    await1(0);
    raise(1);
    step("read");
    const guard = lock.read();
    look();
    const held = lock.tryWrite();
    const seen = words[0];
    guard.release();
    raise(3);
    return { wrote: held !== undefined, seen };
  },

  /** Waits to write behind both. */
  writerBehind() {
    await1(2);
    step("write");
    const guard = lock.write();
    const readsOver = Atomics.load(flags, 3) === 1 && Atomics.load(words, 3) === 0;
    change();
    guard.release();
    return readsOver;
  },

  /** Takes the lock as it is told, says so, and waits to be ended. */
  async victim() {
    step(setup.how ?? "");
    switch (setup.how) {
      case "read":
        lock.read();
        break;
      case "nested":
        for (let k = 0; k < 5; k++) lock.read();
        break;
      case "write":
        lock.write();
        words[0]++;
        break;
      case "upgradable":
        rwLock.upgradable();
        break;
      default:
    }
    raise(0);
    parentPort?.postMessage("ready");
    if (setup.how === "drain") lock.write();
    else if (setup.how === "blocked") lock.read();
    else if (setup.ending === "exit") process.exit(3);
    else if (setup.ending === "throw") throw new Error("uncaught");
    else await untilTerminated();
    throw new Error("the victim outlived its role");
  },

  /** Comes while the victim lives, reads and writes after its death; answers what it was told. */
  heir() {
    await1(0);
    parentPort?.postMessage("waiting");
    step("read");
    let read = "ok";
    try {
      lock.read().release();
    } catch (error) {
      const { code, guard } = error as { code: string; guard: { held: boolean; release(): void } };
      read = `${code}, ${guard.held ? "held" : "not held"}`;
      guard.release();
    }
    raise(8 + setup.index);
    // Nobody repairs before all have read.
    for (let k = 1; k < setup.count; k++) await1(8 + k);
    step("write");
    let wrote = "ok";
    const recover = (): void => {
      wrote = "recovered";
      words[1] = words[0];
      words.fill(words[0], 4, 24);
    };
    const guard = stamped ? (lock as StampedLock).write({ recover }) : rwLock.write({ recover });
    change();
    guard.release();
    lock.read().release();
    return { read, wrote };
  },

  /** Is ended at any moment while it works. */
  async storm() {
    parentPort?.postMessage("ready");
    for (;;) {
      try {
        const guard = random(3) === 0 ? lock.write() : random(2) === 0 ? lock.read() : await lock.writeAsync();
        Atomics.add(flags, 1, 1);
        guard.release();
      } catch (error) {
        const { guard } = error as { guard?: { markConsistent(): boolean; release(): void } };
        if (guard === undefined) throw error;
        guard.markConsistent();
        guard.release();
      }
      step("round");
    }
  },

  /** Reads a pair of words optimistically while another thread writes it. */
  optimist() {
    let validated = 0;
    for (let k = 0; k < (setup.rounds ?? 0); k++) {
      step("optimistic");
      const [first, last, second] = (lock as StampedLock).readOptimistically(() => [words[0], words[23], words[1]]);
      if (first !== second || first !== last) throw new Error("half-written data was validated");
      validated++;
    }
    return validated;
  },

  writer() {
    for (let k = 0; k < (setup.rounds ?? 0); k++) {
      step("write");
      const guard = lock.write();
      change();
      guard.release();
    }
    return setup.rounds;
  },
};

finish(await roles[setup.role]());
