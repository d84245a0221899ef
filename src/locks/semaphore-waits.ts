// A request for permits that may have to wait: what it does at each look at the semaphore, the same for a thread that
// sleeps and for a task that awaits. How they sleep between two looks is the callers' (semaphore.ts).
//
// Who wakes it: a release, a leave, or a change of the holders (protocols/semaphore.ts, semaphore-queue.ts). What if
// somebody dies: the reaper wakes all sleepers, tasks look at the end of each slice, and a look finds starvers, holders
// and waiters that are dead. Leaving passes on any wake that the request may have been given.

import { load } from "../cells/atomics.ts";
import { now } from "../cells/deadline.ts";
import { SLICE_MS } from "../cells/park.ts";
import {
  afterWait,
  CALL,
  enter,
  leave,
  NEED,
  permitsOf,
  SEQUENCE,
  STARVER,
  starve,
  TASK_TOKEN,
  TOOK,
  VALUE,
} from "../protocols/semaphore.ts";
import { isAlive, probe } from "../region/threads.ts";
import { STARVING_MS } from "../region/word-lock.ts";
import { payPermits, type SemaphorePlace } from "./semaphore-place.ts";
import { drawTicket, type Queued, queueCell, sendToEnd, taskThatTarries } from "./semaphore-queue.ts";
import { acquireFastOf, leaveQueueOf, queueStepOf, stepOf, withTables } from "./semaphore-tables.ts";

/** How long permits are kept for a task, whose thread may be busy or blocked elsewhere. */
export const RESERVED_MS = 10;

/** What a look is told. */
export interface Look {
  /** Milliseconds since the request came. */
  readonly waitedMs: number;
  /** Whether a slice ended: ask threads that seem alive whether they are. */
  readonly ask: boolean;
  /** Whether other tasks of this thread stand behind this one. */
  readonly more: boolean;
}

export interface PermitWait {
  /** Where a thread sleeps next, while the cell holds `expected`, and for how many milliseconds at the most. */
  readonly cell: number;
  readonly expected: number;
  readonly slice: number;
  /** Takes the permits if it may; else the request is announced, and must be tried again once the cell has changed. */
  attempt(look: Look): boolean;
  /** Ends the request without permits. Does nothing after it got them. */
  leave(more: boolean): void;
}

/** A request of this thread, or of one of its tasks; `announced`: it was begun by beginAcquire (protocols/semaphore.ts). */
export function newWait(place: SemaphorePlace, n: number, task: boolean, announced = false): PermitWait {
  return place.fair ? new QueuedWait(place, n, task) : new BargingWait(place, n, task, announced);
}

/** The cell on which this thread's tasks wait. */
export function taskCell(place: SemaphorePlace): number {
  return place.fair ? queueCell(place, true) : place.index + SEQUENCE;
}

/** How long a task before this request has let enough permits lie. */
class Tarrying {
  #who: number | undefined;
  #since = 0;

  /** True if it is the same one for too long. */
  seen(who: number | undefined): boolean {
    const same = who !== undefined && who === this.#who;
    if (!same) this.#since = now();
    this.#who = who;
    if (!same || now() - this.#since < RESERVED_MS) return false;
    this.#who = undefined;
    return true;
  }

  get slice(): number {
    return this.#who === undefined ? SLICE_MS : RESERVED_MS;
  }
}

class BargingWait implements PermitWait {
  readonly #place: SemaphorePlace;
  readonly #n: number;
  readonly #large: number;
  readonly #task: number;
  /** What it puts into STARVER. */
  readonly #token: number;
  readonly #tarrying = new Tarrying();
  #entered: boolean;
  #starving = false;
  cell = 0;
  expected = 0;

  constructor(place: SemaphorePlace, n: number, task: boolean, entered: boolean) {
    this.#entered = entered;
    this.#place = place;
    this.#n = n;
    this.#large = n > 1 ? 1 : 0;
    this.#task = task ? 1 : 0;
    this.#token = task ? place.me | TASK_TOKEN : place.me;
  }

  get slice(): number {
    return this.#tarrying.slice;
  }

  attempt({ waitedMs, ask }: Look): boolean {
    const { index, region } = this.#place;
    const words = region.memory.words;
    const slept = this.#entered ? 1 : 0;
    if (!this.#entered) {
      if (acquireFastOf(this.#place, this.#n)) return true;
      enter(words, index, this.#large, this.#task);
      this.#entered = true;
    } else this.#stillOpen();
    this.#buryStarver(ask);
    for (;;) {
      if (this.#starving && load(words, index + STARVER) !== this.#token) this.#starving = false;
      const call = load(words, index + CALL);
      const own = this.#task !== 0 ? -1 : this.#place.me | TASK_TOKEN;
      const step = stepOf(this.#place, this.#n, this.#starving ? this.#token : -1, own, slept, ask);
      if (step === TOOK) {
        this.leave();
        return true;
      }
      if (slept !== 0 && !this.#starving && waitedMs > STARVING_MS && this.#starve()) continue;
      if (this.#tarrying.seen(this.#taskThatTarries(step))) {
        payPermits(this.#place, afterWait(words, index, load(words, index + STARVER)), 1);
        continue;
      }
      const alone = this.#starving && this.#task === 0;
      this.cell = index + (alone ? CALL : VALUE);
      this.expected = alone ? call : step;
      return false;
    }
  }

  leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    if (this.#place.freed) return;
    const { index, region } = this.#place;
    const words = region.memory.words;
    leave(words, index, this.#large, this.#task);
    payPermits(this.#place, afterWait(words, index, this.#starving ? this.#token : 0), 1);
  }

  #stillOpen(): void {
    try {
      this.#place.mustBeOpen();
    } catch (error) {
      // What it announced went with the semaphore.
      this.#entered = false;
      throw error;
    }
  }

  #starve(): boolean {
    const words = this.#place.region.memory.words;
    this.#starving = starve(words, this.#place.index, this.#token, this.#n) !== 0;
    return this.#starving;
  }

  /** A starver that died gathers permits for nobody. */
  #buryStarver(ask: boolean): void {
    const { index, region, me } = this.#place;
    const words = region.memory.words;
    const starver = load(words, index + STARVER);
    const owner = starver & ~TASK_TOKEN;
    if (starver === 0 || owner === me || (isAlive(words, owner) && !(ask && probe(words, owner)))) return;
    payPermits(this.#place, afterWait(words, index, starver), 1);
  }

  /** The token of a starving task for which there are enough permits, as there are for this request. */
  #taskThatTarries(step: number): number | undefined {
    const words = this.#place.region.memory.words;
    const starver = load(words, this.#place.index + STARVER);
    if (this.#starving || (starver & TASK_TOKEN) === 0 || permitsOf(step) < this.#n) return undefined;
    return permitsOf(step) < load(words, this.#place.index + NEED) ? undefined : starver;
  }
}

class QueuedWait implements PermitWait, Queued {
  readonly n: number;
  readonly task: boolean;
  ticket: number;
  placed = false;
  readonly #place: SemaphorePlace;
  readonly #tarrying = new Tarrying();
  readonly cell: number;
  expected = 0;

  constructor(place: SemaphorePlace, n: number, task: boolean) {
    this.#place = place;
    this.n = n;
    this.task = task;
    this.ticket = drawTicket(place);
    this.cell = queueCell(place, task);
  }

  get slice(): number {
    return this.#tarrying.slice;
  }

  attempt({ ask, more }: Look): boolean {
    const place = this.#place;
    if (!this.placed && acquireFastOf(place, this.n)) return true;
    this.#stillOpen();
    for (;;) {
      const words = place.region.memory.words;
      // Read before the step: whoever makes this the first afterwards, or gives permits, changes it.
      this.expected = load(words, this.cell);
      if (queueStepOf(place, this, more, ask)) return true;
      const who = withTables(place, () => taskThatTarries(place, this));
      if (!this.#tarrying.seen(who)) return false;
      withTables(place, () => sendToEnd(place, this, who as number));
    }
  }

  leave(more: boolean): void {
    if (this.placed && !this.#place.freed) leaveQueueOf(this.#place, this, more);
  }

  #stillOpen(): void {
    try {
      this.#place.mustBeOpen();
    } catch (error) {
      this.placed = false;
      throw error;
    }
  }
}
