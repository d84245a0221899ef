// race(): real workers, steered into one interleaving by named points (forced), or let loose together (hammering), under
// a watchdog that ends a hung run and says where each thread stood.
// Node only, but nothing of Node is loaded before the first call.
// Invariant: when the promise settles, every worker of the race has ended.
import { type Control, makeControl, missed, placeOf } from "./race-control.ts";

/** What the body of a race gets. */
export interface RaceContext {
  readonly index: number;
  readonly name: string;
  /** Which call of the body this is, from 0. */
  readonly round: number;
  readonly threads: number;
  readonly data: unknown;
  /**
   * A named point. If the script names it for this thread, blocks until the script comes to it. Points that the script
   * does not name are passed at once. False if the script was not kept: another thread never came to its point.
   */
  at(point: string): boolean;
  /** Says where the thread stands, for the report of a hung run. */
  mark(place: string): void;
}

export interface RaceOptions {
  /** How many workers, or their names. */
  readonly threads: number | readonly string[];
  /** Module with the body; its export `body` (or `exported`) is called as body(context) in every worker. */
  readonly body: URL | string;
  readonly exported?: string;
  /** Structured-cloneable; reaches each body as `context.data`. */
  readonly data?: unknown;
  /** Forced schedule: points in the order in which they must be passed, each as "thread index:point". */
  readonly script?: readonly string[];
  /** How often each worker calls the body. All begin each round together. Default 1. */
  readonly rounds?: number;
  /** Milliseconds after which a hung run is ended. Default 10,000. */
  readonly within?: number;
  /** Milliseconds that a point waits for the entry before it, before that entry is given up. Default 200. */
  readonly patience?: number;
}

export interface RaceResult {
  /** What each thread's rounds returned. */
  readonly values: readonly (readonly unknown[])[];
  /** The script happened as written. */
  readonly forced: boolean;
  /** Entries of the script whose thread did not come. */
  readonly missed: number;
  readonly seconds: number;
}

/** Thrown when a body threw, a worker ended early, or the run hung; `places` says where each thread stood. */
export class RaceError extends Error {
  readonly code: "ERR_RACE_HUNG" | "ERR_RACE_FAILED";
  readonly places: readonly string[];

  constructor(code: RaceError["code"], message: string, places: readonly string[], cause?: unknown) {
    super(`${message}\n${places.map((place) => `  ${place}`).join("\n")}`, { cause });
    this.name = "RaceError";
    this.code = code;
    this.places = places;
  }
}

/** What a worker of a race is started with. */
export interface RaceOrder {
  readonly control: Control;
  readonly index: number;
  readonly name: string;
  readonly module: string;
  readonly exported: string;
  readonly data: unknown;
  readonly rounds: number;
}

interface Report {
  readonly values?: readonly unknown[];
  readonly error?: { readonly name: string; readonly message: string; readonly stack: string };
}

/**
 * Starts the workers, runs the body in all of them, and resolves with what they returned. Rejects with a RaceError if a
 * body throws, a worker ends before its body, or the whole takes longer than `within` milliseconds.
 */
export async function race(options: RaceOptions): Promise<RaceResult> {
  const { Worker } = await import("node:worker_threads");
  const names =
    typeof options.threads === "number"
      ? Array.from({ length: options.threads }, (_, i) => `thread ${i}`)
      : [...options.threads];
  if (names.length === 0) throw new RangeError("race: at least one thread is needed");
  checkScript(options.script ?? [], names.length);
  const control = makeControl(names.length, options.script ?? [], options.patience ?? 200);
  const begun = performance.now();
  const workers = names.map((name, index) => {
    const order: RaceOrder = {
      control,
      index,
      name,
      module: String(options.body),
      exported: options.exported ?? "body",
      data: options.data,
      rounds: options.rounds ?? 1,
    };
    return new Worker(new URL("./race-worker.js", import.meta.url), { workerData: order, name });
  });
  const places = (): string[] => names.map((name, i) => `${name}: ${placeOf(control, i)}`);
  try {
    const values = await settle(workers, names, places, options.within ?? 10_000);
    const skipped = missed(control);
    return { values, forced: skipped === 0, missed: skipped, seconds: (performance.now() - begun) / 1000 };
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

interface WorkerLike {
  on(event: "message", listener: (report: Report) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "exit", listener: (code: number) => void): unknown;
}

function settle(
  workers: readonly WorkerLike[],
  names: readonly string[],
  places: () => string[],
  within: number,
): Promise<unknown[][]> {
  return new Promise((resolve, reject) => {
    const values: unknown[][] = [];
    let left = workers.length;
    const fail = (message: string, cause: unknown): void => {
      clearTimeout(watchdog);
      reject(new RaceError("ERR_RACE_FAILED", message, places(), cause));
    };
    const watchdog = setTimeout(() => {
      reject(new RaceError("ERR_RACE_HUNG", `the race did not end within ${within} ms`, places()));
    }, within);
    workers.forEach((worker, i) => {
      worker.on("message", (report) => {
        if (report.error !== undefined) {
          const cause = Object.assign(new Error(report.error.message), report.error);
          fail(`${names[i]} threw ${report.error.name}: ${report.error.message}`, cause);
          return;
        }
        values[i] = [...(report.values ?? [])];
        if (--left > 0) return;
        clearTimeout(watchdog);
        resolve(values);
      });
      worker.on("error", (error) => fail(`${names[i]} failed: ${error.message}`, error));
      worker.on("exit", (code) => {
        if (values[i] === undefined) fail(`${names[i]} ended with code ${code} before its body did`, undefined);
      });
    });
  });
}

function checkScript(script: readonly string[], threads: number): void {
  for (const entry of script) {
    const match = /^(\d+):(.+)$/.exec(entry);
    if (match === null || Number(match[1]) >= threads) {
      throw new RangeError(`race: "${entry}" is no "thread:point" of ${threads} threads`);
    }
  }
}
