// The mutex under contention: against what users write by hand, npm's package for it, the engine's and the platform's own,
// a lock server, and the locks of C and Rust.

import { type Case, contest } from "./contest.ts";
import type { Effort, Run, Suite } from "./result.ts";
import { engineMutex, entry, own, rust, webLocks } from "./rivals/entries.ts";
import type { Entry } from "./team.ts";

const STEPS = [0, 50, 200, 2000];

function entriesFor(effort: Effort): Entry[] {
  const near = [...own(), ...["three-state futex", "multithreading"].map(entry)];
  if (effort.quick) return near;
  const far = ["holdfast (fair)", "two-state spin", "postMessage"].map(entry);
  return [...near, ...far, ...engineMutex(), ...webLocks(), ...rust()];
}

function contended(workers: number): Suite {
  const name = `mutex contended, ${workers} ${workers === 1 ? "worker" : "workers"}`;
  const run = (effort: Effort): Promise<Run[]> => {
    const cases = STEPS.map(
      (steps): Case => ({ name: `mutex ${steps} steps`, task: "mutex", params: { steps, think: steps } }),
    );
    return contest(name, effort.quick ? cases.slice(2, 3) : cases, entriesFor(effort), workers, effort);
  };
  return { name, yardstick: "three-state futex", run };
}

/** The work outside the lock is not as long as that inside. */
function thinking(workers: number): Suite {
  const name = `mutex think time, ${workers} workers`;
  const run = (effort: Effort): Promise<Run[]> => {
    const cases = [0, 10].flatMap((times) =>
      [50, 200].map((steps): Case => {
        const think = times * steps;
        return { name: `mutex ${steps} steps, ${think} outside`, task: "mutex", params: { steps, think } };
      }),
    );
    return contest(name, effort.quick ? cases.slice(0, 1) : cases, entriesFor(effort), workers, effort);
  };
  return { name, yardstick: "three-state futex", run };
}

export const suites: Suite[] = [...[1, 2, 4, 8, 16].map(contended), ...[2, 8].map(thinking)];
