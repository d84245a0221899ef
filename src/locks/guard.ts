// Guards: what an acquisition returns. A guard names one hold by its ticket, so disposing it twice, or after the lock was
// released by other means, does nothing: it never ends someone else's later hold.

/** What a guard needs of its lock. */
export interface Held {
  /** Ends the hold with this ticket; false if it is over already. @internal */
  releaseHold(ticket: number): boolean;
  /** Whether the hold with this ticket is the present one. @internal */
  isHold(ticket: number): boolean;
  markConsistent(): boolean;
}

/** A held lock; release it by `using`, `release()` or the lock's `unlock()`. */
export class Guard<L extends Held = Held> implements Disposable {
  /** The lock that is held. */
  readonly lock: L;
  /** @internal */
  readonly ticket: number;

  /** @internal */
  constructor(lock: L, ticket: number) {
    this.lock = lock;
    this.ticket = ticket;
  }

  /** Releases the lock if this guard's hold is still the present one; otherwise does nothing. Never blocks. */
  release(): void {
    this.lock.releaseHold(this.ticket);
  }

  /** Whether this guard's hold is still the present one. */
  get held(): boolean {
    return this.lock.isHold(this.ticket);
  }

  /** After ERR_OWNER_DIED: declares the protected state repaired. False if it was not in question, or the hold is over. */
  markConsistent(): boolean {
    return this.lock.isHold(this.ticket) && this.lock.markConsistent();
  }

  /** The same as {@link release}, for `using`. */
  [Symbol.dispose](): void {
    this.lock.releaseHold(this.ticket);
  }
}
