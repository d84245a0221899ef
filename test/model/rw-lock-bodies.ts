// What the threads of the read-write lock's models do.

import { checkpoint } from "../../src/testing/markers.ts";
import type { Body } from "../../src/testing/options.ts";
import { NEVER, type Place, RwLockPlace, SEATS, type Thread, type Words } from "./rw-lock-place.ts";

export class RwLockBodies extends RwLockPlace {
  /** The body with one look before each sleep. */
  protected spinning(run: Body<Words>): Body<Words> {
    return (w, thread) => {
      this.spins = true;
      try {
        return run(w, thread);
      } finally {
        this.spins = false;
      }
    };
  }

  /** RwLock.read: a result of the protocol. */
  protected enter(w: Words, place: Place, timeout?: number): number {
    const { rwLock, rwWaiting, mutex } = this.lib;
    const result = rwLock.enterRead(w, place.index, place.cell);
    if (result === mutex.ACQUIRED || result === mutex.ACQUIRED_DIED) return result;
    if (result === rwLock.BACKED_OFF) this.pay(w, rwLock.WAKE_WRITER);
    return rwWaiting.readBlocking(place, this.deadline(timeout));
  }

  protected leave(w: Words, place: Place): void {
    this.pay(w, this.lib.rwLock.leaveRead(w, place.index, place.cell));
  }

  /** `whole`: the rest of the body is nothing but this, so that what was before can be forgotten. */
  protected read(w: Words, place: Place, result: number, whole = false): string {
    const { mutex } = this.lib;
    if (result === mutex.UNRECOVERABLE) throw new Error("not recoverable");
    if (result !== mutex.ACQUIRED && result !== mutex.ACQUIRED_DIED) throw new Error(`read returned ${result}`);
    this.look(w, result === mutex.ACQUIRED_DIED);
    if (whole) checkpoint("leave");
    this.leave(w, place);
    return "read";
  }

  protected reader(timeout?: number): Body<Words> {
    return (w, { index }: Thread) => {
      const place = this.place(w, index);
      const result = this.enter(w, place, timeout);
      checkpoint("entered", result);
      if (timeout !== undefined && result === this.lib.mutex.MUST_WAIT) return "timed out";
      return this.read(w, place, result, true);
    };
  }

  protected nested(): Body<Words> {
    return (w, { index }: Thread) => {
      const place = this.place(w, index);
      this.enter(w, place);
      this.read(w, place, this.enter(w, place));
      this.leave(w, place);
    };
  }

  /** RwLock.write: a result of the protocol. */
  protected acquire(w: Words, place: Place, timeout?: number): number {
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

  protected drained(w: Words, place: Place, result: number): number {
    const { rwWaiting, mutex } = this.lib;
    if (result === mutex.ACQUIRED || result === mutex.ACQUIRED_DIED) return this.granted(w, result);
    rwWaiting.reopen(place);
    rwWaiting.releaseGate(place);
    return result;
  }

  /** The stamped lock's hook. */
  protected granted(w: Words, result: number): number {
    this.lib.stamped.beginVersion(w, this.at);
    return result;
  }

  protected ticket(w: Words): number {
    return w[this.at + this.lib.mutex.HOLD];
  }

  protected endWrite(w: Words, place: Place): void {
    const { rwLock, mutex, stamped } = this.lib;
    if (!rwLock.isPoisoned(Atomics.load(w, this.at + rwLock.MODE))) stamped.endVersion(w, this.at);
    const owed = rwLock.endWrite(w, place.index, place.me, this.ticket(w));
    if (owed === mutex.NOT_OWNER) throw new Error("the writer is told that it does not own the lock");
    this.pay(w, owed);
  }

  /** `whole` as for {@link read}. */
  protected write(w: Words, place: Place, result: number, whole = false): string {
    const { mutex, rwLock } = this.lib;
    if (result !== mutex.ACQUIRED && result !== mutex.ACQUIRED_DIED) throw new Error(`write returned ${result}`);
    const died = result === mutex.ACQUIRED_DIED;
    this.change(w, died);
    if (whole) checkpoint("written", died);
    if (died !== rwLock.clearDoubt(w, this.at)) throw new Error("told of a death, but there is nothing to mark");
    if (whole) checkpoint("end");
    this.endWrite(w, place);
    return "written";
  }

  protected writer(timeout?: number): Body<Words> {
    return (w, { index }: Thread) => {
      const place = this.place(w, index);
      const result = this.acquire(w, place, timeout);
      checkpoint("acquired", result);
      if (timeout !== undefined && result === this.lib.mutex.MUST_WAIT) return "timed out";
      return this.write(w, place, result, true);
    };
  }

  /** RwLock.tryWrite without a time-out. */
  protected trying(): Body<Words> {
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
  protected upgrading(timeout?: number): Body<Words> {
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
  protected downgrading(): Body<Words> {
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
  protected careless(): Body<Words> {
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
  protected tenant(): Body<Words> {
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

  protected awaitingRead(rounds: number, timeout?: number): Body<Words> {
    return async (w, { index }: Thread) => {
      const place = this.place(w, index);
      for (let k = 0; k < rounds; k++) await this.readOnce(w, place, timeout);
    };
  }

  protected async readOnce(w: Words, place: Place, timeout?: number): Promise<void> {
    const { mutex, rwAwaiting } = this.lib;
    const result = await rwAwaiting.readAwaiting(place, { timeout });
    if (timeout === undefined || result !== mutex.MUST_WAIT) this.read(w, place, result);
  }

  protected awaitingWrite(rounds: number, timeout?: number): Body<Words> {
    return async (w, { index }: Thread) => {
      const place = this.place(w, index);
      for (let k = 0; k < rounds; k++) await this.writeOnce(w, place, timeout);
    };
  }

  protected async writeOnce(w: Words, place: Place, timeout?: number): Promise<void> {
    const { mutex, rwAwaiting } = this.lib;
    let result = await rwAwaiting.gateAwaiting(place, { timeout });
    if (result === mutex.ACQUIRED) {
      result = this.drained(w, place, await rwAwaiting.drainAwaiting(place, { timeout }));
    }
    if (timeout === undefined || result !== mutex.MUST_WAIT) this.write(w, place, result);
  }

  /** Two tasks of one thread, one of which holds a read lock across an await while the other comes to write. */
  protected mixed(): Body<Words> {
    return async (w, { index }: Thread) => {
      const place = this.place(w, index);
      const reading = async (): Promise<void> => {
        const result = await this.lib.rwAwaiting.readAwaiting(place, {});
        await Promise.resolve();
        this.read(w, place, result);
      };
      await Promise.all([reading(), this.writeOnce(w, place)]);
    };
  }

  /** StampedLock: one optimistic try. What it saw counts only if the version is the same. */
  protected optimist(): Body<Words> {
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
