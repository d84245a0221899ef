// What every suite gives: one run a case and subject, in the form that `--json` writes.

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
  /** (largest - smallest) / median over the repetitions: how far to believe it. */
  readonly spread: number;
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
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function spreadOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / median(values);
}

/** A table of one suite: nanoseconds, spread and the ratio to the yardstick, a line a case and subject. */
export function table(suite: string, yardstick: string, runs: readonly Run[]): string {
  const lines = [`${suite} (ratio: time of ${yardstick} = 1; lower is better)`];
  for (const name of new Set(runs.map((run) => run.case))) {
    const group = runs.filter((run) => run.case === name);
    const base = group.find((run) => run.subject === yardstick)?.nsPerOp;
    lines.push(`  ${name}`);
    for (const run of group) {
      if (run.failed !== undefined) {
        lines.push(`    ${run.subject.padEnd(22)} ${run.failed}`);
        continue;
      }
      const ratio = base === undefined ? "" : `${(run.nsPerOp / base).toFixed(2).padStart(7)} x`;
      const spread = `± ${((run.spread / 2) * 100).toFixed(0)} %`.padStart(8);
      lines.push(`    ${run.subject.padEnd(22)} ${run.nsPerOp.toFixed(1).padStart(10)} ns ${spread} ${ratio}`);
    }
  }
  return lines.join("\n");
}
