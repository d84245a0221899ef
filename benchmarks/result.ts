// What every suite gives: one run a case and subject, in the form that `--json` writes, and the statistics of them.

export interface Run {
  readonly suite: string;
  readonly case: string;
  /** `holdfast`, `holdfast-js` (Wasm off), `holdfast-native` (native parking), `floor-js`, `floor-wasm`, or a peer's name. */
  readonly subject: string;
  readonly workers: number;
  /** Nanoseconds an operation: the median of the repetitions. */
  readonly nsPerOp: number;
  readonly opsPerSecond: number;
  /** Medians of the repetitions' percentiles in nanoseconds, where an operation is timed by itself; else those of batches. */
  readonly p50: number;
  readonly p99: number;
  /** Distance of the quartiles of the repetitions, divided by the median: how far to believe it. */
  readonly spread: number;
  /** The longest timed wait of all repetitions, in nanoseconds. */
  readonly max?: number;
  /** Processor time an operation in nanoseconds, over all threads: what waiting costs the others. */
  readonly cpuNsPerOp?: number;
  /** How often threads went to sleep an operation, over all of them: voluntary context switches. */
  readonly switchesPerOp?: number;
  /** Operations of the worker that got the fewest, divided by the mean: 1 is even, 0 is starved. */
  readonly fairness?: number;
  /** Why there are no figures: a subject that hung or counted wrong is reported, not left out. */
  readonly failed?: string;
}

export interface Suite {
  readonly name: string;
  /** The subject that the others are divided by. */
  readonly yardstick: string;
  readonly run: (effort: Effort) => Promise<Run[]>;
}

/** How long to measure. */
export interface Effort {
  /** Repetitions of every subject, interleaved. */
  readonly rounds: number;
  /** Milliseconds of each repetition. */
  readonly milliseconds: number;
  /** A smoke test: as little as gives figures at all. */
  readonly quick: boolean;
  /** Of the teams, this package's only. */
  readonly own?: boolean;
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

export function median(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : quantile(values, 0.5);
}

export function spreadOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : (quantile(values, 0.75) - quantile(values, 0.25)) / median(values);
}
