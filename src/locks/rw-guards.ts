// The guards of a read-write lock. Write and upgradable guards name one hold of the gate by its ticket; read holds are
// counted and have no ticket, so a read guard itself remembers whether it is over. A guard never leaves its thread.

import type { AsyncWaitOptions, WaitOptions } from "../cells/deadline.ts";
import { Guard, type Held } from "./guard.ts";

/** Options of the acquiring calls of a read-write lock. */
export interface RwOptions<G> extends WaitOptions {
  /**
   * Called with the lock held if a writer died while it held it and nobody has marked the state consistent since. If it
   * returns, the acquisition goes on, and with a write guard the state counts as consistent; a reader can't repair, so
   * those after it are told too. If it throws, the hold is released and the error is passed on (after a write hold the
   * lock is not recoverable).
   */
  readonly recover?: ((guard: G) => void) | undefined;
}

export interface AsyncRwOptions<G> extends AsyncWaitOptions, Pick<RwOptions<G>, "recover"> {}

/** What a read guard needs of its lock. */
export interface ReadHeld {
  /** Ends one read hold of this thread. @internal */
  endRead(): void;
}

/** What write and upgradable guards need of their lock. */
export interface RwHeld extends Held, ReadHeld {
  /** @internal */
  downgradeHold(ticket: number): void;
  /** @internal */
  endUpgradable(ticket: number): boolean;
  /** @internal */
  isUpgradable(ticket: number): boolean;
  /** @internal */
  upgradeHold(ticket: number, options: RwOptions<never>): number;
  /** @internal */
  tryUpgradeHold(ticket: number, options: RwOptions<never>): number;
  /** @internal */
  upgradeHoldAsync(ticket: number, options: AsyncRwOptions<never>): Promise<number>;
  /** @internal */
  settleUpgrade<G extends Releasable>(guard: G, options: RwOptions<G>): G;
  /** @internal */
  downgradeUpgradable(ticket: number): void;
}

/** What {@link RwHeld.settleUpgrade} needs of a guard. */
export interface Releasable {
  release(): void;
  markConsistent(): boolean;
}

/** A read lock that is held; release it by `using` or `release()`. */
export class ReadGuard<L extends ReadHeld = ReadHeld> implements Disposable {
  /** The lock that is held. */
  readonly lock: L;
  #held = true;

  /** @internal */
  constructor(lock: L) {
    this.lock = lock;
  }

  /** Ends this read hold; does nothing the second time. Never blocks. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.lock.endRead();
  }

  /** Whether this guard still holds the lock. */
  get held(): boolean {
    return this.#held;
  }

  /** Always false: a reader can't repair what a writer left half-changed. */
  markConsistent(): boolean {
    return false;
  }

  /** The same as {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/** A write lock that is held. */
export class WriteGuard<L extends RwHeld = RwHeld> extends Guard<L> {
  /**
   * Turns the write hold into a read hold and lets other readers in; no writer comes in between. Never blocks. This guard
   * is spent. Throws ERR_NOT_OWNER if its hold is over. State in doubt stays in doubt.
   */
  downgrade(): ReadGuard<L> {
    this.lock.downgradeHold(this.ticket);
    return new ReadGuard(this.lock);
  }
}

/** An upgradable read lock that is held: readers come and go, writers and other upgradable holders wait. */
export class UpgradableGuard<L extends RwHeld = RwHeld> implements Disposable {
  /** The lock that is held. */
  readonly lock: L;
  /** @internal */
  readonly ticket: number;
  #upgrading = false;
  #dropped = false;

  /** @internal */
  constructor(lock: L, ticket: number) {
    this.lock = lock;
    this.ticket = ticket;
  }

  /**
   * Waits until all readers have left and turns the hold into a write hold; nobody writes in between. Blocks. This guard
   * is spent then. Throws as RwLock.write() does, and ERR_NOT_OWNER if its hold is over; ERR_WOULD_DEADLOCK if this thread
   * has read holds too; after ERR_TIMEOUT this guard is still good, and readers come in again.
   */
  upgrade(options: RwOptions<WriteGuard<L>> = {}): WriteGuard<L> {
    const ticket = this.lock.upgradeHold(this.ticket, options as RwOptions<never>);
    return this.lock.settleUpgrade(new WriteGuard<L>(this.lock, ticket), options);
  }

  /** As {@link upgrade}, but undefined if readers are there (still, after `timeout` milliseconds if given). */
  tryUpgrade(options: RwOptions<WriteGuard<L>> = {}): WriteGuard<L> | undefined {
    const ticket = this.lock.tryUpgradeHold(this.ticket, options as RwOptions<never>);
    return ticket === 0 ? undefined : this.lock.settleUpgrade(new WriteGuard<L>(this.lock, ticket), options);
  }

  /** As {@link upgrade}, without blocking the event loop. Read holds of other tasks of this thread are waited for. */
  async upgradeAsync(options: AsyncRwOptions<WriteGuard<L>> = {}): Promise<WriteGuard<L>> {
    this.#upgrading = true;
    let ticket = 0;
    try {
      ticket = await this.lock.upgradeHoldAsync(this.ticket, options as AsyncRwOptions<never>);
    } finally {
      this.#upgrading = false;
      // Released while it waited to be upgraded: that holds for the hold that it has again.
      if (ticket === 0 && this.#dropped) this.lock.endUpgradable(this.ticket);
    }
    return this.lock.settleUpgrade(new WriteGuard<L>(this.lock, ticket), options);
  }

  /** Turns the hold into a plain read hold: writers may queue up again. Never blocks. This guard is spent. */
  downgrade(): ReadGuard<L> {
    this.lock.downgradeUpgradable(this.ticket);
    return new ReadGuard(this.lock);
  }

  /** Releases the hold; does nothing if it is over, or was upgraded. Never blocks. */
  release(): void {
    if (this.#upgrading) this.#dropped = true;
    else this.lock.endUpgradable(this.ticket);
  }

  /** Whether this guard still holds the lock. */
  get held(): boolean {
    return this.lock.isUpgradable(this.ticket);
  }

  /** Always false: only a writer repairs; {@link upgrade} first. */
  markConsistent(): boolean {
    return false;
  }

  /** The same as {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}
