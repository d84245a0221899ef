// Runs cases in as many processes as the machine has cores. A process, not a worker: a search needs a heap of its own
// and replaces the global Atomics while it runs.
// Invariant: every case gives exactly one outcome, or the pool rejects.
import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { Case, Outcome } from "./cases.ts";

/** What a process answers to a case. */
export type Answer = { readonly outcome: Outcome } | { readonly error: string };

/** Runs the cases in the order given, each on the next free process, and calls `each` as they end. */
export async function runCases(
  cases: readonly Case[],
  each: (what: Case, outcome: Outcome) => void,
  jobs: number = availableParallelism(),
): Promise<void> {
  let next = 0;
  const children: ChildProcess[] = [];
  const serve = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(fileURLToPath(new URL("./case-process.js", import.meta.url)));
      children.push(child);
      let current: Case | undefined;
      const give = (): void => {
        current = cases[next++];
        if (current === undefined) child.disconnect();
        else child.send(current);
      };
      child.on("message", (answer: Answer) => {
        if (current === undefined) return;
        if ("error" in answer) return reject(new Error(`${current.protocol}, ${current.name}: ${answer.error}`));
        each(current, answer.outcome);
        give();
      });
      child.on("error", reject);
      child.on("exit", (code, signal) => {
        if (current === undefined) resolve();
        else reject(new Error(`${current.protocol}, ${current.name}: its process ended (${signal ?? code})`));
      });
      give();
    });
  try {
    await Promise.all(Array.from({ length: Math.min(jobs, cases.length) }, serve));
  } finally {
    for (const child of children) child.kill();
  }
}
