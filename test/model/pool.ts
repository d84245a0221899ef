// Runs cases in as many processes as the machine has cores. A process, not a worker: a search needs a heap of its own
// and replaces the global Atomics while it runs.
// Invariant: every case gives exactly one outcome. One that throws, ends its process or takes too long is a failed case,
// and the others go on.
import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type Case, notRun, type Outcome } from "./cases.ts";

/** What a process answers to a case. */
export type Answer = { readonly outcome: Outcome } | { readonly error: string };

export interface PoolOptions {
  /** Processes; default: one for each core. */
  readonly jobs?: number | undefined;
  /** Seconds after which a case has failed. Default 600. */
  readonly limit?: number | undefined;
  /** The program of a process; default: case-process.js. */
  readonly program?: URL;
}

const PROGRAM = new URL("./case-process.js", import.meta.url);

/** Runs the cases in the order given, each on the next free process, and calls `each` as they end. */
export async function runCases(
  cases: readonly Case[],
  each: (what: Case, outcome: Outcome) => void,
  { jobs = availableParallelism(), limit = 600, program = PROGRAM }: PoolOptions = {},
): Promise<void> {
  const left = [...cases];
  const line = async (): Promise<void> => {
    const seat = new Seat(program);
    for (let what = left.shift(); what !== undefined; what = left.shift()) each(what, await seat.run(what, limit));
    seat.close();
  };
  await Promise.all(Array.from({ length: Math.min(jobs, cases.length) }, line));
}

/** A process at a time, made anew when it is lost. */
class Seat {
  private child: ChildProcess | undefined;
  private readonly program: URL;

  constructor(program: URL) {
    this.program = program;
  }

  close(): void {
    this.child?.kill("SIGKILL");
    this.child = undefined;
  }

  run(what: Case, limit: number): Promise<Outcome> {
    this.child ??= fork(fileURLToPath(this.program));
    const { child } = this;
    const start = performance.now();
    return new Promise((resolve) => {
      const done = (outcome: Outcome): void => {
        clearTimeout(watchdog);
        child.removeAllListeners();
        resolve(outcome);
      };
      const lost = (why: string): void => {
        this.close();
        done(notRun(why, (performance.now() - start) / 1000));
      };
      const watchdog = setTimeout(() => lost(`it was ended after ${limit} seconds (option --limit)`), limit * 1000);
      child.on("message", (answer: Answer) => {
        if ("outcome" in answer) done(answer.outcome);
        else done(notRun(answer.error, (performance.now() - start) / 1000));
      });
      child.on("error", (error) => lost(String(error)));
      child.on("exit", (code, signal) => lost(`its process ended (${signal ?? `exit code ${code}`})`));
      child.send(what);
    });
  }
}
