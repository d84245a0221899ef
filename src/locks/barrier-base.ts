// What a Barrier is but for arriving and waiting: its state, and how a generation of it ends badly.
//
// Invariant: a generation ends badly only with the barrier's mutex held, and whoever ends it wakes all who wait.

import { load } from "../cells/atomics.ts";
import { BrokenBarrierError } from "../cells/errors.ts";
import { wakeAll } from "../cells/park.ts";
import {
  ACTING,
  ACTOR,
  ARRIVED,
  BROKEN,
  ENDED,
  endBadly,
  endedBadly,
  GEN,
  PARTIES,
  STATUS,
  WHOLE,
} from "../protocols/barrier.ts";
import { isAlive, probe } from "../region/threads.ts";
import { acquireWord, markWordConsistent, releaseWord } from "../region/word-lock.ts";
import { LockObject } from "./place.ts";

export interface Arrival {
  /** Arrival index, or undefined while the action of the generation before it runs. */
  index: number | undefined;
  generation: number;
  /** The barrier's ENDED in that generation. */
  ended: number;
}

/** A barrier, but for arriving. */
export abstract class BarrierBase extends LockObject<"barrier"> {
  /** How many must arrive. */
  get parties(): number {
    return this.word(PARTIES);
  }

  /** How many have arrived and wait, at this moment. */
  get waiting(): number {
    return this.word(STATUS) === BROKEN ? 0 : this.word(ARRIVED);
  }

  /** Whether it is broken. */
  get broken(): boolean {
    return this.word(STATUS) === BROKEN;
  }

  /** Breaks the barrier: everyone who waits gets ERR_BROKEN_BARRIER, and everyone who comes until reset(). */
  abort(): void {
    this.breakUp(undefined);
  }

  /** Makes the barrier whole and empty again. Whoever waits gets ERR_BROKEN_BARRIER. */
  reset(): void {
    this.locked((words) => {
      if (load(words, this.index + STATUS) === WHOLE && load(words, this.index + ARRIVED) === 0) return;
      endBadly(words, this.index, WHOLE);
    });
    this.wake();
  }

  /** Gives the memory back. Throws ERR_IN_USE if anyone waits. Whoever uses it later gets ERR_CLOSED. */
  free(): void {
    this.freePlace(() => {
      if (this.waiting > 0) throw this.inUseError();
      // Wakes also the waits that tasks left armed: they would swallow wakes of whatever comes to lie here.
      this.locked((words) => endBadly(words, this.index, BROKEN));
      this.wake();
    });
  }

  /** Its generation is over: "passed" if it was let through. */
  protected passed(arrival: Arrival): "passed" {
    const { generation, ended } = arrival;
    if (this.word(ENDED) === ended) return "passed";
    if (this.locked((words) => endedBadly(words, this.index, generation, ended))) throw this.brokenError();
    return "passed";
  }

  protected breakIfActorDied(words: Int32Array, ask: boolean): void {
    if (load(words, this.index + STATUS) !== ACTING) return;
    const actor = load(words, this.index + ACTOR);
    if (isAlive(words, actor) && !(ask && probe(words, actor))) return;
    endBadly(words, this.index, BROKEN);
    this.wake();
  }

  /** Breaks the barrier, if it is still in that generation (any if undefined). */
  protected breakUp(generation: number | undefined): void {
    this.locked((words) => {
      if (load(words, this.index + STATUS) === BROKEN) return;
      if (generation !== undefined && load(words, this.index + GEN) !== generation) return;
      endBadly(words, this.index, BROKEN);
    });
    this.wake();
  }

  protected wake(): void {
    wakeAll(this.region.memory.words, this.index + GEN);
  }

  /** Runs `work` with the barrier's mutex held. A thread that died in it leaves the generation in doubt: it is broken. */
  protected locked<T>(work: (words: Int32Array) => T): T {
    const { words } = this.region.memory;
    if (acquireWord(this.region, this.index) === 2) {
      endBadly(words, this.index, BROKEN);
      markWordConsistent(this.region, this.index);
      this.wake();
    }
    try {
      return work(words);
    } finally {
      releaseWord(this.region, this.index);
    }
  }

  protected word(word: number): number {
    return load(this.region.memory.words, this.index + word);
  }

  protected brokenError(timeout?: number): Error {
    if (this.freed) return this.closedError();
    const message =
      timeout === undefined
        ? `${this.label()} is broken or was reset: a party gave up, its action failed, or abort() or reset() was called`
        : `${this.label()} was not passed by all of its ${this.parties} parties within ${timeout} ms: it is ${this.describeState()}`;
    return new BrokenBarrierError("ERR_BROKEN_BARRIER", message, timeout === undefined ? {} : { timeout });
  }

  /** @internal */
  protected override describeState(): string {
    return this.broken ? "broken" : `${this.waiting} of ${this.parties} have come`;
  }
}
