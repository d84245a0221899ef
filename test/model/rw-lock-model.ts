// The shipped read-write lock as a model: the loops of locks/rw-waiting.ts, the protocol under them, the stamped lock's
// version, and the registry's way of learning of a death.
//
// A writer adds 1 to two plain words, ONE and then TWO; whoever holds the lock in any way must find them equal, unless it
// was told that a writer died. Plain accesses that race are reported by the checker, so a writer beside anyone can't go
// unseen.

import type { Spinning } from "../../src/region/spinning.ts";
import type { ThreadStatus } from "../../src/testing/judge.ts";
import { checkpoint } from "../../src/testing/markers.ts";
import type { Body, ExploreOptions, ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

const SEATS = 4;
/** As in locks/rw-waiting.ts: how long the lock stays open for a starving reader. */
const RESERVED_MS = 2;
const NEVER = Number.POSITIVE_INFINITY;

type Words = Int32Array;
type Options = ExploreOptions<Words>;
type Thread = { readonly index: number };

interface Place {
  readonly region: never;
  readonly index: number;
  readonly cell: number;
  readonly me: number;
  isCurrent(): boolean;
}

export function rwLockModels(library: Library): readonly Model[] {
  return new RwLockModels(library).all();
}

class RwLockModels {
  private readonly lib: Library;
  private readonly at: number;
  private readonly one: number;
  private readonly two: number;
  /** Whether the body that runs at the moment spins. */
  private spins = false;

  constructor(library: Library) {
    this.lib = library;
    this.at = library.threads.slotWord(SEATS);
    this.one = this.at + library.rwLock.rwLockWords(SEATS);
    this.two = this.one + 1;
  }

  all(): readonly Model[] {
    const crash = { crashes: 1, onCrash: (t: number, w: Words) => this.lib.threads.buryThread(w, t) };
    const slices = [this.lib.park.SLICE_MS, RESERVED_MS];
    const model = (
      name: string,
      short: boolean,
      threads: readonly ThreadOptions<Words>[],
      options: Partial<Options> = {},
    ): Model => ({ name: `rw: ${name}`, short, options: { ...this.base(threads.length), threads, ...options } });
    const r = (o?: Partial<ThreadOptions<Words>>): ThreadOptions<Words> => ({ body: this.reader(), ...o });
    const w = (o?: Partial<ThreadOptions<Words>>): ThreadOptions<Words> => ({ body: this.writer(), ...o });
    const body = (b: Body<Words>): ThreadOptions<Words> => ({ body: b });
    const two = { rounds: 2 };
    const few: Partial<Options> = { preemptions: 2, states: 3e6, livelocks: "ignore" };
    return [
      model("1 reader × 2, 1 writer", true, [r(two), w()]),
      model("1 reader × 2, 1 writer × 2, at most 3 preemptions", false, [r(two), w(two)], { ...few, preemptions: 3 }),
      model("2 readers, 1 writer, at most 2 preemptions", true, [r(), r(), w()], few),
      model("1 reader, 2 writers, at most 2 preemptions", false, [r(), w(), w()], few),
      model("1 reader × 2, 1 writer, spinning", true, [
        { body: this.spinning(this.reader()), ...two },
        body(this.spinning(this.writer())),
      ]),
      model("2 writers, spinning", true, [body(this.spinning(this.writer())), body(this.spinning(this.writer()))]),
      model(
        "1 reader, 1 writer, spinning, a death",
        true,
        [body(this.spinning(this.reader())), body(this.spinning(this.writer()))],
        crash,
      ),
      model("2 writers", true, [w(), w()]),
      model("3 writers", false, [w(), w(), w()], { states: 20e6 }),
      model("nested reader, 1 writer", true, [body(this.nested()), w()]),
      model("1 reader, 1 writer, a death", true, [r(), w()], crash),
      model("1 reader, 1 writer, two deaths", true, [r(), w()], { ...crash, crashes: 2 }),
      model("2 writers, a death", true, [w(), w()], crash),
      model("2 readers, 1 writer, a death, at most 2 preemptions", false, [r(), r(), w()], { ...crash, ...few }),
      model("1 reader, 2 writers, a death, at most 2 preemptions", false, [r(), w(), w()], { ...crash, ...few }),
      model("a writer that gives up, 1 reader", true, [body(this.writer(10)), r()]),
      model(
        "a writer that gives up, 1 reader, 1 writer, at most 2 preemptions",
        false,
        [body(this.writer(10)), r(), w()],
        few,
      ),
      model("a reader that gives up, 1 writer", true, [body(this.reader(10)), w()]),
      model("a writer that gives up, 1 reader, a death", false, [body(this.writer(10)), r()], crash),
      model("a writer that tries, 1 reader", true, [body(this.trying()), r()]),
      model("an upgrade, 1 reader", true, [body(this.upgrading()), r()]),
      model("an upgrade, 1 writer", true, [body(this.upgrading()), w()]),
      model("an upgrade, 1 reader, 1 writer, at most 2 preemptions", false, [body(this.upgrading()), r(), w()], few),
      model("an upgrade, 1 reader, a death", false, [body(this.upgrading()), r()], crash),
      model("an upgrade that gives up, 1 reader", true, [body(this.upgrading(10)), r()]),
      model("a downgrade, 1 writer", true, [body(this.downgrading()), w()]),
      model("a downgrade, 1 reader, 1 writer, at most 2 preemptions", false, [body(this.downgrading()), r(), w()], few),
      model("a downgrade, 1 writer, a death", false, [body(this.downgrading()), w()], crash),
      model("doubt left unmarked, a death", true, [body(this.careless()), body(this.careless())], crash),
      model("a dead reader's slot has a new tenant", true, [r(), { body: this.tenant(), crash: false }], crash),
      model(
        "a dead reader's slot has a new tenant, 1 writer, at most 2 preemptions",
        false,
        [r(), { body: this.tenant(), crash: false }, w({ crash: false })],
        { ...crash, ...few },
      ),
      model("1 reader, 1 writer × 2, time passes, no reservation ends", false, [r(), w(two)], {
        ...few,
        clockJumps: 1,
        sliceMs: slices,
      }),
      model("1 starving reader that gives up, 1 writer × 2", false, [body(this.reader(10)), w(two)], {
        ...few,
        clockJumps: 1,
        sliceMs: slices,
      }),
      model("1 starving reader, 1 writer × 2, a death", false, [r(), w(two)], { ...crash, ...few, clockJumps: 1 }),
      model("1 async reader, 1 writer", true, [body(this.awaitingRead(1)), w()]),
      model("1 async writer, 1 reader", true, [body(this.awaitingWrite(1)), r()]),
      model("1 async writer, 1 async reader", true, [body(this.awaitingWrite(1)), body(this.awaitingRead(1))]),
      model(
        "1 async writer, 1 reader, 1 writer, at most 2 preemptions",
        false,
        [body(this.awaitingWrite(1)), r(), w()],
        few,
      ),
      model("1 async writer, 1 reader, a death", false, [body(this.awaitingWrite(1)), r()], crash),
      model("1 async reader, 1 writer, a death", false, [body(this.awaitingRead(1)), w()], crash),
      model("1 async writer that gives up, 1 reader", true, [body(this.awaitingWrite(1, 10)), r()]),
      model("1 async reader that gives up, 1 writer", true, [body(this.awaitingRead(1, 10)), w()]),
      model("a thread whose tasks read and write, 1 reader", true, [body(this.mixed()), r()]),
      model("1 optimistic reader, 1 writer × 2", true, [body(this.optimist()), w(two)], { plain: "ignore" }),
      model("1 optimistic reader × 2, 1 writer, a death", true, [{ body: this.optimist(), ...two }, w()], {
        ...crash,
        plain: "ignore",
      }),
      model(
        "2 readers × 3, 2 writers × 3, 2,000 schedules by PCT",
        true,
        [r({ rounds: 3 }), r({ rounds: 3 }), w({ rounds: 3 }), w({ rounds: 3 })],
        { mode: "pct", schedules: 2000, seed: 7 },
      ),
    ];
  }

  private base(threads: number): Omit<Options, "threads"> {
    return {
      memory: this.memory(threads),
      names: this.names(),
      reset: this.lib.reset,
      sliceMs: this.lib.park.SLICE_MS,
      final: (w: Words, statuses: readonly ThreadStatus[]) => this.final(w, statuses),
    };
  }

  private final(w: Words, statuses: readonly ThreadStatus[]): void {
    if (statuses.some((s) => s.state === "crashed")) return;
    const { rwLock, mutex } = this.lib;
    if ((w[this.at] & mutex.OWNER_MASK) !== 0) throw new Error("the gate is owned although every thread released it");
    if ((w[this.at + rwLock.MODE] & ~rwLock.STARVED) !== 0) throw new Error("the mode is not that of a free lock");
    for (let t = 0; t < SEATS; t++) {
      const cell = rwLock.cellOf(this.at, this.me(t));
      if (w[cell + rwLock.C_OWNER] !== 0 && w[cell + rwLock.C_COUNT] !== 0) throw new Error(`cell ${t} is held`);
    }
    if (w[this.one] !== w[this.two]) throw new Error("the data is half-written");
  }

  private memory(threads: number): Words {
    const { layout, threads: registry, stamped, rwLock } = this.lib;
    const w = new Int32Array(new SharedArrayBuffer((this.two + 1) * 4));
    w[layout.H_MAX_THREADS] = threads;
    stamped.renewVersion(w, this.at);
    // Cells are claimed, as by an earlier read; "a dead reader's slot has a new tenant" is about claiming.
    w[this.at + rwLock.HIGH] = threads;
    for (let t = 0; t < threads; t++) {
      w[rwLock.cellOf(this.at, this.me(t)) + rwLock.C_OWNER] = this.me(t);
      w[registry.slotWord(t) + layout.T_CLAIM] = t + 1;
      w[registry.slotWord(t) + layout.T_STATE] = (1 << 2) | layout.SLOT_ALIVE;
    }
    return w;
  }

  private names(): { name: string; show?: (value: number | bigint) => string }[] {
    const { layout, threads: registry, mutex, rwLock } = this.lib;
    const names: { name: string; show?: (value: number | bigint) => string }[] = [];
    for (let t = 0; t < SEATS; t++) {
      const seat = registry.slotWord(t);
      names[seat + layout.T_STATE] = { name: `seat${t}.state` };
      names[seat + layout.T_WAIT_CELL] = { name: `seat${t}.cell` };
      names[seat + layout.T_WAIT_FOR] = { name: `seat${t}.lock` };
      const cell = rwLock.cellOf(this.at, this.me(t));
      names[cell + rwLock.C_OWNER] = { name: `cell${t}.owner` };
      names[cell + rwLock.C_COUNT] = { name: `cell${t}.count` };
    }
    names[this.at + mutex.LOCK] = { name: "gate" };
    names[this.at + mutex.SEQ] = { name: "gate.sequence" };
    names[this.at + mutex.HOLD] = { name: "gate.hold" };
    names[this.at + mutex.SLOW] = { name: "gate.slow" };
    names[this.at + rwLock.DRAIN] = { name: "drain" };
    names[this.at + rwLock.HIGH] = { name: "high" };
    names[this.at + rwLock.MODE] = { name: "mode", show: (v) => this.mode(Number(v)) };
    names[this.at + rwLock.OPENINGS] = { name: "openings" };
    names[this.at + rwLock.VERSION] = { name: "version" };
    names[this.one] = { name: "one" };
    names[this.two] = { name: "two" };
    return names;
  }

  private mode(v: number): string {
    const { rwLock } = this.lib;
    const bits: [number, string][] = [
      [rwLock.MODE_SLEEPERS, "S"],
      [rwLock.CLOSED, "closed"],
      [rwLock.DRAINING, "draining"],
      [rwLock.WRITING, "writing"],
      [rwLock.STARVED, "starved"],
      [rwLock.POISONED, "poisoned"],
      [rwLock.GONE, "gone"],
    ];
    const set = bits.filter(([bit]) => (v & bit) !== 0).map(([, name]) => name);
    return set.length === 0 ? "open" : set.join("+");
  }

  private me(index: number): number {
    return (1 << 12) | index;
  }

  /** The body with one look before each sleep. */
  private spinning(run: Body<Words>): Body<Words> {
    return (w, thread) => {
      this.spins = true;
      try {
        return run(w, thread);
      } finally {
        this.spins = false;
      }
    };
  }

  private spinningOver(w: Words): Pick<Spinning, "spinForLock" | "watchMode" | "watchReaders"> {
    const { mutex, rwSpin, spin } = this.lib;
    return {
      spinForLock: (at, by, slept, starver) =>
        spin.spinStep(w, at, by, slept, starver, 1) === 0 ? 0 : w[at + mutex.HOLD],
      watchMode: (at) => rwSpin.watchMode(w, at, 1),
      watchReaders: (at) => rwSpin.watchReaders(w, at, 1),
    };
  }

  private place(w: Words, index: number, me: number = this.me(index)): Place {
    const spinning = this.spins ? this.spinningOver(w) : undefined;
    const region = { memory: { words: w }, me, seatAt: this.lib.threads.slotWord(index), spinning } as never;
    return { region, index: this.at, cell: this.lib.rwLock.cellOf(this.at, me), me, isCurrent: () => true };
  }

  private pay(w: Words, owed: number): void {
    if (owed !== 0) this.lib.rwWaiting.payRwWakes(w, this.at, owed);
  }

  private deadline(timeout?: number): number {
    return timeout === undefined ? NEVER : performance.now() + timeout;
  }

  /** What every reader looks at; `died` says that it was told of a dead writer. */
  private look(w: Words, died: boolean): void {
    if (w[this.one] !== w[this.two] && !died) throw new Error("a reader sees half-written data and was not told");
  }

  private change(w: Words, died: boolean): void {
    this.look(w, died);
    w[this.one] = w[this.one] + 1;
    w[this.two] = w[this.one];
  }

  /** RwLock.read: a result of the protocol. */
  private enter(w: Words, place: Place, timeout?: number): number {
    const { rwLock, rwWaiting, mutex } = this.lib;
    const result = rwLock.enterRead(w, place.index, place.cell);
    if (result === mutex.ACQUIRED || result === mutex.ACQUIRED_DIED) return result;
    if (result === rwLock.BACKED_OFF) this.pay(w, rwLock.WAKE_WRITER);
    return rwWaiting.readBlocking(place, this.deadline(timeout));
  }

  private leave(w: Words, place: Place): void {
    this.pay(w, this.lib.rwLock.leaveRead(w, place.index, place.cell));
  }

  private read(w: Words, place: Place, result: number): string {
    const { mutex } = this.lib;
    if (result === mutex.UNRECOVERABLE) throw new Error("not recoverable");
    if (result !== mutex.ACQUIRED && result !== mutex.ACQUIRED_DIED) throw new Error(`read returned ${result}`);
    this.look(w, result === mutex.ACQUIRED_DIED);
    this.leave(w, place);
    return "read";
  }

  private reader(timeout?: number): Body<Words> {
    return (w, { index }: Thread) => {
      const place = this.place(w, index);
      const result = this.enter(w, place, timeout);
      checkpoint("entered", result);
      if (timeout !== undefined && result === this.lib.mutex.MUST_WAIT) return "timed out";
      return this.read(w, place, result);
    };
  }

  private nested(): Body<Words> {
    return (w, { index }: Thread) => {
      const place = this.place(w, index);
      this.enter(w, place);
      this.read(w, place, this.enter(w, place));
      this.leave(w, place);
    };
  }

  /** RwLock.write: a result of the protocol. */
  private acquire(w: Words, place: Place, timeout?: number): number {
    const { rwLock, rwWaiting, mutex } = this.lib;
    const ticket = rwLock.tryWrite(w, place.index, place.cell, place.me);
    if (ticket > 0) return this.granted(w, mutex.ACQUIRED);
    const deadline = this.deadline(timeout);
    if (ticket === 0) {
      const gate = rwWaiting.gateBlocking(place, deadline);
      if (gate !== mutex.ACQUIRED) return gate;
    }
    return this.drained(w, place, rwWaiting.drainBlocking(place, deadline));
  }

  private drained(w: Words, place: Place, result: number): number {
    const { rwWaiting, mutex } = this.lib;
    if (result === mutex.ACQUIRED || result === mutex.ACQUIRED_DIED) return this.granted(w, result);
    rwWaiting.reopen(place);
    rwWaiting.releaseGate(place);
    return result;
  }

  /** The stamped lock's hook. */
  private granted(w: Words, result: number): number {
    this.lib.stamped.beginVersion(w, this.at);
    return result;
  }

  private ticket(w: Words): number {
    return w[this.at + this.lib.mutex.HOLD];
  }

  private endWrite(w: Words, place: Place): void {
    const { rwLock, mutex, stamped } = this.lib;
    if (!rwLock.isPoisoned(Atomics.load(w, this.at + rwLock.MODE))) stamped.endVersion(w, this.at);
    const owed = rwLock.endWrite(w, place.index, place.me, this.ticket(w));
    if (owed === mutex.NOT_OWNER) throw new Error("the writer is told that it does not own the lock");
    this.pay(w, owed);
  }

  private write(w: Words, place: Place, result: number): string {
    const { mutex, rwLock } = this.lib;
    if (result !== mutex.ACQUIRED && result !== mutex.ACQUIRED_DIED) throw new Error(`write returned ${result}`);
    const died = result === mutex.ACQUIRED_DIED;
    this.change(w, died);
    if (died !== rwLock.clearDoubt(w, this.at)) throw new Error("told of a death, but there is nothing to mark");
    this.endWrite(w, place);
    return "written";
  }

  private writer(timeout?: number): Body<Words> {
    return (w, { index }: Thread) => {
      const place = this.place(w, index);
      const result = this.acquire(w, place, timeout);
      checkpoint("acquired", result);
      if (timeout !== undefined && result === this.lib.mutex.MUST_WAIT) return "timed out";
      return this.write(w, place, result);
    };
  }

  /** RwLock.tryWrite without a time-out. */
  private trying(): Body<Words> {
    return (w, { index }: Thread) => {
      const { mutex, rwLock, rwWaiting } = this.lib;
      const place = this.place(w, index);
      const gate = rwWaiting.gateNow(place);
      if (gate !== mutex.ACQUIRED) return "busy";
      let step = rwLock.writeStep(w, this.at, 1);
      while (step === mutex.MUST_WAIT && rwWaiting.giveBackDead(place, false)) step = rwLock.writeStep(w, this.at, 1);
      const result = this.drained(w, place, step);
      return result === mutex.MUST_WAIT ? "busy" : this.write(w, place, result);
    };
  }

  /** RwLock.upgradable, a look, upgrade. */
  private upgrading(timeout?: number): Body<Words> {
    return (w, { index }: Thread) => {
      const { mutex, rwLock, rwWaiting } = this.lib;
      const place = this.place(w, index);
      const gate = rwWaiting.gateBlocking(place, NEVER);
      if (gate !== mutex.ACQUIRED) throw new Error(`upgradable returned ${gate}`);
      const doubt = rwLock.isPoisoned(Atomics.load(w, this.at + rwLock.MODE));
      this.look(w, doubt);
      const seen = w[this.one];
      const result = rwWaiting.drainBlocking(place, this.deadline(timeout));
      if (result === mutex.MUST_WAIT && timeout !== undefined) {
        rwWaiting.reopen(place);
        rwWaiting.releaseGate(place);
        return "timed out";
      }
      if (seen !== w[this.one]) throw new Error("somebody wrote between upgradable and upgrade");
      mutex.nextTicket(w, this.at);
      return this.write(w, place, this.granted(w, result));
    };
  }

  /** RwLock.write, downgrade, a look that must find what was written. */
  private downgrading(): Body<Words> {
    return (w, { index }: Thread) => {
      const { mutex, rwLock, stamped } = this.lib;
      const place = this.place(w, index);
      const died = this.acquire(w, place) === mutex.ACQUIRED_DIED;
      this.change(w, died);
      const written = w[this.one];
      rwLock.clearDoubt(w, this.at);
      stamped.endVersion(w, this.at);
      this.pay(w, rwLock.downgradeWrite(w, this.at, place.cell, place.me, this.ticket(w)));
      if (w[this.one] !== written) throw new Error("somebody wrote between the write and the downgraded read");
      this.leave(w, place);
    };
  }

  /** Told of a death, it releases without marking: the lock must be lost for good, and everyone told so. */
  private careless(): Body<Words> {
    return (w, { index }: Thread) => {
      const { mutex, rwLock } = this.lib;
      const place = this.place(w, index);
      const result = this.acquire(w, place);
      if (result === mutex.UNRECOVERABLE) return "lost";
      if (result === mutex.ACQUIRED) this.change(w, false);
      this.endWrite(w, place);
      const lost = rwLock.isGone(Atomics.load(w, this.at + rwLock.MODE));
      if (result === mutex.ACQUIRED_DIED && !lost) throw new Error("released unmarked, and yet recoverable");
      if (lost && this.enter(w, place) !== mutex.UNRECOVERABLE) throw new Error("a reader of a lost lock is let in");
      return "released";
    };
  }

  /** If thread 0 died and was buried: the next tenant of its slot, who reads. */
  private tenant(): Body<Words> {
    return (w) => {
      const { layout, threads } = this.lib;
      const seat = threads.slotWord(0);
      if (Atomics.load(w, seat + layout.T_CLAIM) !== 0) return "nobody died";
      Atomics.store(w, seat + layout.T_CLAIM, SEATS + 1);
      Atomics.store(w, seat + layout.T_STATE, (2 << 2) | layout.SLOT_ALIVE);
      const place = this.place(w, 0, 2 << 12);
      this.lib.rwWaiting.claimHere(place);
      return this.read(w, place, this.enter(w, place));
    };
  }

  private awaitingRead(rounds: number, timeout?: number): Body<Words> {
    return async (w, { index }: Thread) => {
      const place = this.place(w, index);
      for (let k = 0; k < rounds; k++) await this.readOnce(w, place, timeout);
    };
  }

  private async readOnce(w: Words, place: Place, timeout?: number): Promise<void> {
    const { mutex, rwWaiting } = this.lib;
    const result = await rwWaiting.readAwaiting(place, { timeout });
    if (timeout === undefined || result !== mutex.MUST_WAIT) this.read(w, place, result);
  }

  private awaitingWrite(rounds: number, timeout?: number): Body<Words> {
    return async (w, { index }: Thread) => {
      const place = this.place(w, index);
      for (let k = 0; k < rounds; k++) await this.writeOnce(w, place, timeout);
    };
  }

  private async writeOnce(w: Words, place: Place, timeout?: number): Promise<void> {
    const { mutex, rwWaiting } = this.lib;
    let result = await rwWaiting.gateAwaiting(place, { timeout });
    if (result === mutex.ACQUIRED) {
      result = this.drained(w, place, await rwWaiting.drainAwaiting(place, { timeout }));
    }
    if (timeout === undefined || result !== mutex.MUST_WAIT) this.write(w, place, result);
  }

  /** Two tasks of one thread, one of which holds a read lock across an await while the other comes to write. */
  private mixed(): Body<Words> {
    return async (w, { index }: Thread) => {
      const place = this.place(w, index);
      const reading = async (): Promise<void> => {
        const result = await this.lib.rwWaiting.readAwaiting(place, {});
        await Promise.resolve();
        this.read(w, place, result);
      };
      await Promise.all([reading(), this.writeOnce(w, place)]);
    };
  }

  /** StampedLock: one optimistic try. What it saw counts only if the version is the same. */
  private optimist(): Body<Words> {
    return (w) => {
      const { stamped } = this.lib;
      const stamp = stamped.optimisticStamp(w, this.at);
      if (stamp === 0) return "busy";
      const one = w[this.one];
      const two = w[this.two];
      if (!stamped.isVersion(w, this.at, stamp)) return "changed";
      if (one !== two) throw new Error("half-written data was validated");
      return "validated";
    };
  }
}
