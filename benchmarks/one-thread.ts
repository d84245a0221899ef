// Costs in one thread: tinybench over batches (an empty function costs it some 47 ns, so a batch has thousands of
// operations), all subjects interleaved round by round, the median of the rounds.

import { Bench } from "tinybench";
import { type Effort, median, type Run, spreadOf } from "./result.ts";

export interface Subject {
  readonly name: string;
  /** Does `operations` operations. */
  readonly batch: (operations: number) => void | Promise<void>;
}

const BATCH = 10_000;
const WARM_BATCHES = 20;
/** Batches of a repetition at the least: one that the scheduler interrupts must not be its median. */
const SAMPLES = 15;

/** A subject whose batch is a loop over `body`; each has code of its own, so that none spoils another's inline caches. */
export function looped(name: string, given: Readonly<Record<string, unknown>>, body: string): Subject {
  const code = `return (operations) => { for (let k = 0; k < operations; k++) { ${body} } }`;
  const make = new Function(...Object.keys(given), code);
  return { name, batch: make(...Object.values(given)) as Subject["batch"] };
}

/** As {@link looped}, for a body that awaits. */
export function loopedAsync(name: string, given: Readonly<Record<string, unknown>>, body: string): Subject {
  const code = `return async (operations) => { for (let k = 0; k < operations; k++) { ${body} } }`;
  const make = new Function(...Object.keys(given), code);
  return { name, batch: make(...Object.values(given)) as Subject["batch"] };
}

interface Samples {
  readonly latency: number[];
  readonly p99: number[];
}

/** Measures one case. Every subject is warmed up before the first round. */
export async function measure(
  suite: string,
  name: string,
  subjects: readonly Subject[],
  effort: Effort,
  batch = effort.quick ? 1000 : BATCH,
): Promise<Run[]> {
  for (const subject of subjects) {
    for (let k = 0; k < (effort.quick ? 2 : WARM_BATCHES); k++) await subject.batch(batch);
  }
  const samples = subjects.map((): Samples => ({ latency: [], p99: [] }));
  for (let round = 0; round < effort.rounds; round++) {
    // Another order each round: what runs first on a busy machine should not always be the same.
    for (let k = 0; k < subjects.length; k++) {
      const at = (k + round) % subjects.length;
      const latency = await once(subjects[at], effort.milliseconds, batch, effort.quick ? 1 : SAMPLES);
      samples[at].latency.push((latency.p50 * 1e6) / batch);
      samples[at].p99.push((latency.p99 * 1e6) / batch);
    }
  }
  return subjects.map((subject, k) => {
    const { latency, p99 } = samples[k];
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

/** Milliseconds of a batch. */
async function once(
  subject: Subject,
  time: number,
  batch: number,
  samples: number,
): Promise<{ p50: number; p99: number }> {
  const bench = new Bench({ time, warmup: false, iterations: samples });
  bench.add(subject.name, () => subject.batch(batch));
  await bench.run();
  const { result } = bench.tasks[0];
  if (!("latency" in result)) throw new Error(`${subject.name}: tinybench ended ${result.state}`);
  return result.latency;
}
