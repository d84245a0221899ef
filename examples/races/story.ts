// What a hazard's story is made of. Invariant: both variants run on the same workers, under the same steering and before
// the same oracle; only the operation between differs.
export type Variant = "unsafe" | "safe";

/** What a body knows of its run. */
export interface Context {
  /** Which of the story's threads this is. */
  readonly index: number;
  /** Blocks until the script is at this step, takes it, and lets the next one go. */
  step<T>(name: string, take: () => T): T;
  /** Blocks until all threads are here, so that they go on together: one that hammers alone meets nobody. */
  meet(): void;
  /** For the pool to terminate this worker where it stands; does not return. */
  die(): never;
}

/** State by name: plain values, raw shared memory, and objects of holdfast, which reach the workers by their handles. */
export type State = object;

export interface Story<S extends State = State> {
  /** The number of the hazard, "H1" to "H50". */
  readonly id: string;
  readonly title: string;
  /** Steered, so that it fails every time; or hammered until it fails. */
  readonly kind: "forced" | "probabilistic";
  /** Names of the threads, which head the columns. */
  readonly threads: readonly string[];
  /** The interleaving, "thread: step": the steering of a forced story, the illustration of a probabilistic one. */
  readonly script: readonly string[];
  /** What the document says. */
  readonly claim: string;
  /** What is so: in CPython, and in shared memory. */
  readonly fact: string;
  /** What the safe variant does instead. */
  readonly fix: string;
  /** Makes the state of one run, in the main thread. */
  setUp(variant: Variant): S;
  /** What each thread runs, as the documents have it; what it returns or throws goes to the oracle. */
  unsafe(state: S, context: Context): unknown;
  safe(state: S, context: Context): unknown;
  /** The oracle, in the main thread when all threads have ended: the symptom, or undefined if all is right. */
  check(state: S, values: readonly unknown[]): string | undefined;
}

/** Gives each story its own type of state, and a list of them one common type. */
export function story<S extends State>(it: Story<S>): Story {
  return it as unknown as Story;
}
