// Which threads touch which words, learnt while bodies run: what allows a search to make some steps without a choice.
//
// A step of thread t is *free* if no other thread ever touches the word in conflict with it. It commutes with all that
// others may do, so trying it first, and nothing else, loses no outcome (a persistent set of one thread). Whether that
// is so is only learnt by searching: a step is taken as free by what is known, the assumption is remembered, and if a
// body turns out to touch the word after all, the search starts again, knowing more.
//
// A plain step needs no choice even on words that others touch: if it can race, the race is found (judge.ts), and if it
// can't, whoever touches the word next has synchronised with this thread, so no step between tells whether it was made
// before or after. Not so in code that races on purpose, or where every state is looked at.
// Invariant: in a search that ran to its end no assumption that it used was ever contradicted.
import { isPlain, isWrite, NOTIFY, NOW, type Op, WAIT, WAIT_ASYNC } from "./ops.ts";

interface Node {
  /** The search in which its step was made without a choice. */
  hurried: number;
  /** The search in which it was taken as certain that the thread lives on after this step. */
  spared: number;
}

/** Thrown when a step was taken as free and is not. */
export class NotFree extends Error {}

/** The crash hook, among the bits of threads. */
export const HOOK_BIT = 1 << 30;

export class Accesses {
  /** Time may pass beside a running thread, so reading the clock is not free. */
  clockMoves = false;
  /** States are looked at as they are (an invariant), so no write is free. */
  watched = false;
  /** Plain steps may be taken without a choice: races are reported, and no state between them is looked at. */
  plainSteps = false;
  private racesOnPurpose = false;
  private assumedNoRaces = false;
  private readonly assumedUnhooked: Uint8Array;
  private readonly readers: Int32Array;
  private readonly writers: Int32Array;
  private readonly assumedRead: Int32Array;
  private readonly assumedWrite: Int32Array;
  private assumedClock = false;
  private broken = false;
  private steps = 0;
  private patience = 0;
  /** Number of the search, among those that assumptions are remembered for. */
  private generation = 1;

  constructor(words: number) {
    this.readers = new Int32Array(words);
    this.writers = new Int32Array(words);
    this.assumedUnhooked = new Uint8Array(words);
    this.assumedRead = new Int32Array(words);
    this.assumedWrite = new Int32Array(words);
  }

  /** Notes that a thread may perform the operation. */
  note(bit: number, op: Op): void {
    if (op.addr < 0) return;
    const last = (op.addr + op.elem.size - 1) >> 2;
    for (let w = op.addr >> 2; w <= last; w++) {
      const known = isWrite(op) ? this.writers : this.readers;
      // What was known already was known to those who assumed something: it was none of the threads that counted.
      if ((known[w] & bit) !== 0) continue;
      known[w] |= bit;
      const others = this.assumedWrite[w] | (isWrite(op) ? this.assumedRead[w] : 0);
      if ((others & ~bit) !== 0 || (bit === HOOK_BIT && this.assumedUnhooked[w] !== 0)) this.broken = true;
    }
  }

  /** Code that races on purpose: its reads are steps between the plain writes of others. */
  noteOptimistic(): void {
    this.racesOnPurpose = true;
    if (this.assumedNoRaces) this.broken = true;
  }

  noteClock(): void {
    this.clockMoves = true;
    if (this.assumedClock) this.broken = true;
  }

  /** A loop was found among nodes that took free steps: there, others must get their turn. */
  contradict(node: Node): void {
    if (node.hurried === this.generation) this.broken = true;
  }

  /** The step may be the last one of a call: it is seen by others only while it is about to be made. */
  close(node: Node, step: Op): void {
    if (node.spared === this.generation || (isPlain(step) && node.hurried === this.generation)) this.broken = true;
  }

  spare(node: Node): void {
    node.spared = this.generation;
  }

  /** Remembers that a step was made without a choice. */
  hurry(node: Node): void {
    node.hurried = this.generation;
  }

  /** True if this plain step may be made without a choice; remembers that it was said. */
  immediate(op: Op): boolean {
    if (!this.plainSteps || this.racesOnPurpose || !isPlain(op)) return false;
    const first = op.addr >> 2;
    const last = (op.addr + op.elem.size - 1) >> 2;
    for (let w = first; w <= last; w++) if (((this.writers[w] | this.readers[w]) & HOOK_BIT) !== 0) return false;
    for (let w = first; w <= last; w++) this.assumedUnhooked[w] = 1;
    this.assumedNoRaces = true;
    return true;
  }

  /**
   * True if the thread may make this step without a choice, where only the threads in `others` may still do anything;
   * remembers that it was said.
   */
  free(bit: number, op: Op, others: number): boolean {
    const { kind } = op;
    if (kind === NOW) {
      if (this.clockMoves) return false;
      this.assumedClock = true;
      return true;
    }
    if (kind === WAIT || kind === NOTIFY || kind === WAIT_ASYNC) return false;
    const write = isWrite(op);
    if (write && this.watched) return false;
    const first = op.addr >> 2;
    const last = (op.addr + op.elem.size - 1) >> 2;
    for (let w = first; w <= last; w++) {
      if (((this.writers[w] | (write ? this.readers[w] : 0)) & others & ~bit) !== 0) return false;
    }
    for (let w = first; w <= last; w++) {
      if (write) this.assumedWrite[w] |= bit;
      else this.assumedRead[w] |= bit;
    }
    return true;
  }

  /**
   * Called after each step. Once an assumption was contradicted the search is worth nothing, but it is not over at once:
   * it goes on for as long again, to learn more before it starts anew, since every start costs a whole search.
   * Throws NotFree then.
   */
  settle(): void {
    this.steps++;
    if (!this.broken) this.patience = 2 * this.steps;
    else if (this.steps > this.patience) this.conclude();
  }

  /** Called at the end of a search. Throws NotFree if an assumption that it used was contradicted. */
  conclude(): void {
    if (!this.broken) return;
    this.forget();
    throw new NotFree();
  }

  /** Keeps what was learnt, drops what was assumed. */
  forget(): void {
    this.broken = false;
    this.steps = 0;
    this.generation++;
    this.assumedClock = false;
    this.assumedNoRaces = false;
    this.assumedUnhooked.fill(0);
    this.assumedRead.fill(0);
    this.assumedWrite.fill(0);
  }
}
