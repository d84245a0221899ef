// Costs in one thread: tinybench over batches (an empty function costs it some 47 ns, so a batch has thousands of
// operations), all subjects interleaved round by round, the median of the rounds.

import { Bench } from "tinybench";
import { type Effort, median, type Run, spreadOf } from "./result.ts";

export interface Subject {
  readonly name: string;
  /** Does `operations` operations. */
  readonly batch: (operations: number) => void;
}

const BATCH = 10_000;

/** Measures one case. Every subject is warmed up before the first round. */
export async function measure(
  suite: string,
  name: string,
  subjects: readonly Subject[],
  effort: Effort,
): Promise<Run[]> {
  for (const subject of subjects) {
    for (let k = 0; k < 20; k++) subject.batch(BATCH);
  }
  const samples = new Map<string, { latency: number[]; p99: number[] }>();
  for (let round = 0; round < effort.rounds; round++) {
    // Another order each round: what runs first on a busy machine should not always be the same.
    for (let k = 0; k < subjects.length; k++) {
      const subject = subjects[(k + round) % subjects.length];
      const bench = new Bench({ time: effort.milliseconds, warmup: false });
      bench.add(subject.name, () => subject.batch(BATCH));
      await bench.run();
      const { latency } = bench.tasks[0].result as unknown as { latency: { p50: number; p99: number } };
      const seen = samples.get(subject.name) ?? { latency: [], p99: [] };
      seen.latency.push((latency.p50 * 1e6) / BATCH);
      seen.p99.push((latency.p99 * 1e6) / BATCH);
      samples.set(subject.name, seen);
    }
  }
  return subjects.map((subject) => {
    const { latency, p99 } = samples.get(subject.name) as { latency: number[]; p99: number[] };
    const nsPerOp = median(latency);
    return {
      suite,
      case: name,
      subject: subject.name,
      workers: 1,
      nsPerOp,
      opsPerSecond: 1e9 / nsPerOp,
      p50: nsPerOp,
      p99: median(p99),
      spread: spreadOf(latency),
    };
  });
}
