// A team: one subject's workers, in a process of their own, so that a subject that hangs, aborts or needs flags of the
// engine can be measured beside the others, and so that processor time is its own. Teams that wait for their turn sleep.
//
// Invariant: repeat() always comes back: after LATE_MS beyond its time (START_MS more while the workers start) the process
// is killed and reported as hung.

import { type ChildProcess, execFile, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The numbers of a task, such as steps of work inside a lock. */
export type Params = Readonly<Record<string, number>>;

/** One subject of a contest. */
export interface Entry {
  readonly subject: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of the engine. */
  readonly flags?: readonly string[];
  /** Another Node than this one. */
  readonly program?: string;
  /** For what is no JavaScript: a program that takes `one TASK SUBJECT WORKERS MILLISECONDS [NAME=NUMBER ...]` and prints a Repetition. */
  readonly foreign?: string;
}

/** What one repetition came to. */
export interface Repetition {
  readonly nsPerOp: number;
  /** How long it took. */
  readonly milliseconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly max?: number;
  readonly cpuNsPerOp?: number;
  readonly switchesPerOp?: number;
  readonly fairness?: number;
}

/** What the process is asked. */
export interface Order {
  readonly task: string;
  readonly params: Params;
  readonly milliseconds: number;
}

/** What it is told at its start, as an argument. */
export interface TeamData {
  readonly subject: string;
  readonly workers: number;
}

const LATE_MS = 15_000;
const START_MS = 60_000;

export class Team {
  readonly #entry: Entry;
  readonly #workers: number;
  #child: ChildProcess | undefined;

  constructor(entry: Entry, workers: number) {
    this.#entry = entry;
    this.#workers = workers;
  }

  /** One repetition, or what went wrong. */
  repeat(task: string, params: Params, milliseconds: number): Promise<Repetition | string> {
    if (this.#entry.foreign !== undefined)
      return this.#repeatForeign(this.#entry.foreign, { task, params, milliseconds });
    const limit = milliseconds + LATE_MS + (this.#child === undefined ? START_MS : 0);
    this.#child ??= this.#start();
    const child = this.#child;
    return new Promise((resolve) => {
      let errors = "";
      const finish = (result: Repetition | string): void => {
        clearTimeout(timer);
        child.off("message", finish).off("exit", ended).off("error", failed);
        child.stderr?.off("data", hear);
        resolve(result);
      };
      const hear = (chunk: Buffer): void => {
        errors += chunk.toString();
      };
      const ended = (code: number | null, signal: string | null): void => {
        finish(`its process ended with ${signal ?? `code ${code}`}: ${errors.trim().split("\n")[0]}`);
      };
      const failed = (error: Error): void => finish(`its process failed: ${error.message}`);
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        finish(`hung: no end within ${Math.round(limit / 1000)} s`);
      }, limit);
      child.on("message", finish).on("exit", ended).on("error", failed);
      child.stderr?.on("data", hear);
      child.send({ task, params, milliseconds } satisfies Order);
    });
  }

  #repeatForeign(program: string, { task, params, milliseconds }: Order): Promise<Repetition | string> {
    const numbers = Object.entries(params).map(([name, value]) => `${name}=${value}`);
    const order = ["one", task, this.#entry.subject, `${this.#workers}`, `${milliseconds}`, ...numbers];
    const options = { timeout: milliseconds + LATE_MS, killSignal: "SIGKILL" } as const;
    return new Promise((resolve) => {
      execFile(program, order, options, (error, stdout, stderr) => {
        if (error === null) resolve(JSON.parse(stdout) as Repetition);
        else resolve(error.killed ? "hung" : `its process failed: ${stderr.trim().split("\n")[0]}`);
      });
    });
  }

  #start(): ChildProcess {
    const { subject, env, flags, program } = this.#entry;
    const data: TeamData = { subject, workers: this.#workers };
    return fork(fileURLToPath(new URL("./team-process.js", import.meta.url)), [JSON.stringify(data)], {
      env: { ...process.env, ...env },
      execArgv: [...(flags ?? [])],
      execPath: program ?? process.execPath,
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
