// Steering: the threads of a run take the steps of a script in its order, whatever the scheduler does.
//
//   words  0 cursor: entries done or given up | 1 given up | 2 arrived at the barrier | 3 its generation
//
// Invariant: a step runs only while the cursor is at its entry (or past it, once given up), so no two steps overlap.
// An entry whose thread does not come within the patience is given up: a lock keeps the schedule from happening.

const CURSOR = 0;
const MISSED = 1;
const ARRIVED = 2;
const GENERATION = 3;

/** What all threads of one run share. */
export interface Control {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly threads: number;
  readonly script: readonly string[];
  /** Milliseconds that a step waits for the one before it. */
  readonly patience: number;
}

export function makeControl(threads: number, script: readonly string[], patience: number): Control {
  return { words: new Int32Array(new SharedArrayBuffer(16)), threads, script, patience };
}

/** How many entries were given up. */
export function missed(control: Control): number {
  return Atomics.load(control.words, MISSED);
}

/** Passes an entry for a thread that no longer can, if it is the next one. */
export function passFor(control: Control, entry: string): void {
  const at = Atomics.load(control.words, CURSOR);
  if (control.script[at] !== entry) return;
  Atomics.compareExchange(control.words, CURSOR, at, at + 1);
  Atomics.notify(control.words, CURSOR);
}

/** One thread's side of the steering. */
export class Turn {
  readonly index: number;
  readonly #control: Control;
  #from = 0;

  constructor(control: Control, index: number) {
    this.#control = control;
    this.index = index;
  }

  /** Blocks until all threads of the run are here. Spins at first: threads that spin start together. */
  meet(): void {
    const { words, threads } = this.#control;
    const generation = Atomics.load(words, GENERATION);
    if (Atomics.add(words, ARRIVED, 1) === threads - 1) {
      Atomics.store(words, ARRIVED, 0);
      Atomics.add(words, GENERATION, 1);
      Atomics.notify(words, GENERATION);
      return;
    }
    for (let i = 0; i < 20_000 && Atomics.load(words, GENERATION) === generation; i++);
    while (Atomics.load(words, GENERATION) === generation) Atomics.wait(words, GENERATION, generation);
  }

  /** Blocks until the script is at this step, takes it, and lets the next one go. A step of no script is taken at once. */
  step<T>(name: string, take: () => T): T {
    const { words, script } = this.#control;
    const mine = script.indexOf(`${this.index}: ${name}`, this.#from);
    if (mine < 0) return take();
    this.#from = mine + 1;
    this.#await(mine);
    try {
      return take();
    } finally {
      Atomics.compareExchange(words, CURSOR, mine, mine + 1);
      Atomics.notify(words, CURSOR);
    }
  }

  #await(mine: number): void {
    const { words, patience } = this.#control;
    for (;;) {
      const at = Atomics.load(words, CURSOR);
      if (at >= mine) return;
      if (Atomics.wait(words, CURSOR, at, patience) !== "timed-out") continue;
      if (Atomics.compareExchange(words, CURSOR, at, at + 1) === at) Atomics.add(words, MISSED, 1);
      Atomics.notify(words, CURSOR);
    }
  }
}
