// Runs stories in both variants and counts. Forced ones as often as asked; probabilistic ones as often as asked and on
// until the unsafe variant has failed, at most LIMIT times.
import { RacePool } from "./pool.ts";
import type { Story, Variant } from "./story.ts";

const LIMIT = 500;

export interface Tally {
  readonly runs: number;
  readonly failures: number;
  /** The symptom of the first failure. */
  readonly symptom: string | undefined;
  /** Script entries that could not be kept, over all runs. */
  readonly missed: number;
}

export interface Result {
  readonly story: Story;
  readonly unsafe: Tally;
  readonly safe: Tally;
}

/** A forced story's unsafe variant must fail in each run, a probabilistic one's in some; a safe one never. */
export function holds({ story, unsafe, safe }: Result): boolean {
  const failed = story.kind === "forced" ? unsafe.failures === unsafe.runs : unsafe.failures > 0;
  return failed && safe.failures === 0;
}

async function repeat(pool: RacePool, story: Story, variant: Variant, runs: number): Promise<Tally> {
  let done = 0;
  let failures = 0;
  let missed = 0;
  let symptom: string | undefined;
  const untilItFails = story.kind === "probabilistic" && variant === "unsafe";
  while (done < runs || (untilItFails && failures === 0 && done < LIMIT)) {
    const run = await pool.run(story, variant);
    done++;
    missed += run.missed;
    if (run.symptom === undefined) continue;
    failures++;
    symptom ??= run.symptom;
  }
  return { runs: done, failures, symptom, missed };
}

/** Runs the stories one after the other; `runs` times each variant, the safe one never less often than the unsafe one. */
export async function runStories(
  stories: readonly Story[],
  runs: number,
  onResult: (result: Result) => void = () => {},
): Promise<Result[]> {
  const pool = new RacePool();
  const results: Result[] = [];
  try {
    for (const story of stories) {
      const unsafe = await repeat(pool, story, "unsafe", runs);
      const safe = await repeat(pool, story, "safe", unsafe.runs);
      const result = { story, unsafe, safe };
      results.push(result);
      onResult(result);
    }
  } finally {
    await pool.close();
  }
  return results;
}
