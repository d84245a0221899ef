// The shared words by which race() and its workers talk: the script's cursor, the round barrier, and where each
// thread stands. Plain buffers, so that the main thread can read them although every worker hangs.
//
//   words  0 cursor | 1 script entries that could not be kept | 2 arrived at the barrier | 3 generation of the barrier
//   places one 64-byte line for each thread: length, then the UTF-8 name of the last place it announced

const CURSOR = 0;
const MISSED = 1;
const ARRIVED = 2;
const GENERATION = 3;
const LINE = 64;

/** What is posted to each worker. */
export interface Control {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly places: Uint8Array<SharedArrayBuffer>;
  readonly threads: number;
  readonly script: readonly string[];
  readonly patience: number;
}

export function makeControl(threads: number, script: readonly string[], patience: number): Control {
  return {
    words: new Int32Array(new SharedArrayBuffer(16)),
    places: new Uint8Array(new SharedArrayBuffer(LINE * threads)),
    threads,
    script,
    patience,
  };
}

export function missed(control: Control): number {
  return Atomics.load(control.words, MISSED);
}

export function announce(control: Control, thread: number, place: string): void {
  const bytes = new TextEncoder().encode(place).subarray(0, LINE - 1);
  control.places.set(bytes, thread * LINE + 1);
  Atomics.store(control.places, thread * LINE, bytes.length);
}

export function placeOf(control: Control, thread: number): string {
  const length = Atomics.load(control.places, thread * LINE);
  // Decoders want private memory.
  const bytes = Uint8Array.from(control.places.subarray(thread * LINE + 1, thread * LINE + 1 + length));
  return length === 0 ? "not started" : new TextDecoder().decode(bytes);
}

/** Blocks until every thread is here. */
export function meet(control: Control, thread: number, what: string): void {
  const { words, threads } = control;
  announce(control, thread, `waiting for the others before ${what}`);
  const generation = Atomics.load(words, GENERATION);
  if (Atomics.add(words, ARRIVED, 1) === threads - 1) {
    Atomics.store(words, ARRIVED, 0);
    Atomics.add(words, GENERATION, 1);
    Atomics.notify(words, GENERATION);
  } else {
    // A short spin first: threads that wake from a sleep come one after the other, threads that spin start together.
    for (let i = 0; i < 20_000 && Atomics.load(words, GENERATION) === generation; i++);
    while (Atomics.load(words, GENERATION) === generation) Atomics.wait(words, GENERATION, generation);
  }
  announce(control, thread, what);
}

/** Where one thread is in the script: entries that it has passed. */
export class Script {
  private readonly control: Control;
  private readonly thread: number;
  private from = 0;

  constructor(control: Control, thread: number) {
    this.control = control;
    this.thread = thread;
  }

  /**
   * Blocks until the script comes to `thread:point`, and moves it on. An entry whose thread does not come within the
   * patience is given up: something (a lock, say) keeps the schedule from happening. False if the script was not kept.
   */
  pass(point: string): boolean {
    const { words, script, patience } = this.control;
    announce(this.control, this.thread, `at "${point}"`);
    const mine = script.indexOf(`${this.thread}:${point}`, this.from);
    if (mine < 0) return true;
    this.from = mine + 1;
    let kept = true;
    for (;;) {
      const cursor = Atomics.load(words, CURSOR);
      if (cursor > mine) {
        kept = false;
        break;
      }
      if (cursor === mine) {
        Atomics.compareExchange(words, CURSOR, mine, mine + 1);
        break;
      }
      if (Atomics.wait(words, CURSOR, cursor, patience) !== "timed-out") continue;
      if (Atomics.compareExchange(words, CURSOR, cursor, cursor + 1) === cursor) Atomics.add(words, MISSED, 1);
    }
    Atomics.notify(words, CURSOR);
    announce(this.control, this.thread, `past "${point}"`);
    return kept;
  }
}
