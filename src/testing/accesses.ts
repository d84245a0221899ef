// Which threads touch which words, learnt while bodies run: what allows a search to make some steps without a choice.
//
// A step of thread t is *free* if no other thread ever touches the word in conflict with it. It commutes with all that
// others may do, so trying it first, and nothing else, loses no outcome (a persistent set of one thread). Whether that
// is so is only learnt by searching: a step is taken as free by what is known, the assumption is remembered, and if a
// body turns out to touch the word after all, the search starts again, knowing more.
// Invariant: in a search that ran to its end no assumption that it used was ever contradicted.
import { isWrite, NOTIFY, NOW, type Op, WAIT, WAIT_ASYNC } from "./ops.ts";

interface Node {
  /** The search in which its step was made without a choice. */
  hurried: number;
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
    this.assumedRead = new Int32Array(words);
    this.assumedWrite = new Int32Array(words);
  }

  /** Notes that a thread may perform the operation. */
  note(bit: number, op: Op): void {
    if (op.addr < 0) return;
    const last = (op.addr + op.elem.size - 1) >> 2;
    for (let w = op.addr >> 2; w <= last; w++) {
      if (isWrite(op)) this.writers[w] |= bit;
      else this.readers[w] |= bit;
      const others = this.assumedWrite[w] | (isWrite(op) ? this.assumedRead[w] : 0);
      if ((others & ~bit) !== 0) this.broken = true;
    }
  }

  noteClock(): void {
    this.clockMoves = true;
    if (this.assumedClock) this.broken = true;
  }

  /** A loop was found among nodes that took free steps: there, others must get their turn. */
  contradict(node: Node): void {
    if (node.hurried === this.generation) this.broken = true;
  }

  /** Remembers that a step was made without a choice. */
  hurry(node: Node): void {
    node.hurried = this.generation;
  }

  /** True if the thread may make this step without a choice; remembers that it was said. */
  free(bit: number, op: Op): boolean {
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
      if (((this.writers[w] | (write ? this.readers[w] : 0)) & ~bit) !== 0) return false;
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
    this.assumedRead.fill(0);
    this.assumedWrite.fill(0);
  }
}
