// explore(): runs real code that uses Atomics over every interleaving, and says what can go wrong.
// This file only joins the parts: options, the world (world.ts), trees of logs (growth.ts), the transition system
// (machine.ts), the searches (search.ts, breadth.ts, sampler.ts) and the report (trace.ts).
import { Accesses, NotFree } from "./accesses.ts";
import { Breadth } from "./breadth.ts";
import { ModelError } from "./errors.ts";
import { Growth, NeedsReplay, StartAgain } from "./growth.ts";
import { type FailureKind, Judge, type ThreadStatus, type Verdict } from "./judge.ts";
import { decode, encode, Machine } from "./machine.ts";
import { type Actor, isSuspend, Replayer, type ThreadInfo } from "./replay.ts";
import { Sampler, Solo } from "./sampler.ts";
import { changed, Scopes } from "./scopes.ts";
import { type Counts, type Found, Search } from "./search.ts";
import { OutOfWords, Space } from "./space.ts";
import { columns, type Names, Naming, Tracer, type TraceStep } from "./trace.ts";
import { guarded } from "./watchdog.ts";
import { World } from "./world.ts";

/** Code of one thread. It gets views of the model's memory in the shape that `memory` has. */
export type Body<M> = (memory: M, thread: ThreadInfo) => unknown;

export interface ThreadOptions<M> {
  readonly body: Body<M>;
  /** How often the thread calls its body, one call after the other. Cheaper than a loop in the body. Default 1. */
  readonly rounds?: number;
  /** Default: "thread 0", "thread 1", … */
  readonly name?: string;
  /** May be waiting, or running idle, when the run is over. */
  readonly daemon?: boolean;
  /** May be the one that dies. Default true. */
  readonly crash?: boolean;
}

export interface ExploreOptions<M> {
  readonly threads: readonly (Body<M> | ThreadOptions<M>)[];
  /** A view of a SharedArrayBuffer, or an object of such views. Its contents now are the contents at the start. */
  readonly memory: M;
  /** Names of the shared words, for traces. */
  readonly names?: Names;
  /** Checked in every state; throw, or return false, to object. Reads the memory directly: no step of the model. */
  readonly invariant?: (memory: M, threads: readonly ThreadStatus[]) => unknown;
  /** The same, for the end of every run. */
  readonly final?: (memory: M, threads: readonly ThreadStatus[]) => unknown;
  /** Called before each run of a body: puts back module state that, in real threads, each thread has for itself. */
  readonly reset?: () => void;
  /** How many threads may die, each at any operation. Default 0. */
  readonly crashes?: number;
  /** One atomic step at any time after a death, as the parent's `exit` event: may write the memory and notify. */
  readonly onCrash?: (thread: number, memory: M) => void;
  /** Explore only runs with at most so many switches away from a thread that could go on. Default: no bound. */
  readonly preemptions?: number;
  /** When deadlines end: at "any" time (default), or only when nothing else can run ("idle"). */
  readonly timeouts?: "any" | "idle";
  /** A wait for exactly so many milliseconds is a slice: it ends only when nothing else can run. Default 250. */
  readonly sliceMs?: number | readonly number[];
  /** Which runs may need the end of a slice to go on: those in which a thread died (default), all, or none. */
  readonly slices?: "after-death" | "allowed" | "never";
  /** How often, in one run, a reading of the clock may find that `clockStep` milliseconds (default 2) have passed. */
  readonly clockJumps?: number;
  readonly clockStep?: number;
  /** Report plain reads and writes that race (default), or ignore races. */
  readonly plain?: "report" | "ignore";
  /** Report runs that never end although the scheduler is fair (default), or ignore them. */
  readonly livelocks?: "report" | "ignore";
  /** "exhaustive" (default), or schedules drawn at random: uniformly, or by PCT. */
  readonly mode?: "exhaustive" | "random" | "pct";
  /** For random and pct: how many schedules (default 10,000), from which seed (default 1), PCT's bug depth (3). */
  readonly schedules?: number;
  readonly seed?: number;
  readonly depth?: number;
  /** Most states to visit; the result says if that cut the search. Default 2,000,000. */
  readonly states?: number;
  /** Most operations of one thread. Default 5,000. */
  readonly maxSteps?: number;
  /** A body that runs so long without any operation never ends: ERR_MODEL_ENDLESS. Default 10,000 ms. */
  readonly watchdogMs?: number;
  /** Run this schedule only, as printed by a failure. */
  readonly replay?: string;
}

export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  /** Pass it as `replay` to run exactly this again. */
  readonly schedule: string;
  /** No schedule with fewer steps fails. */
  readonly shortest: boolean;
  readonly steps: readonly TraceStep[];
  /** Message, one column per thread with the shared words, and the schedule. */
  toString(): string;
}

export interface ExploreResult {
  readonly ok: boolean;
  /** Every interleaving within the options was covered. */
  readonly exhaustive: boolean;
  readonly failure: Failure | undefined;
  readonly states: number;
  readonly transitions: number;
  /** Complete runs that the search followed to their end. */
  readonly schedules: number;
  /** Longest run, in steps. */
  readonly depth: number;
  /** Times that a body was run. */
  readonly replays: number;
  readonly seconds: number;
  readonly transitionsPerSecond: number;
  /** Why the search ended early, if it did. */
  readonly cut: string | undefined;
  /** What had to be assumed: loops taken as endless. */
  readonly assumptions: readonly string[];
}

const realNow = performance.now.bind(performance);
const SLICE_OF_WORK = 20_000;

/**
 * Explores the threads over every interleaving of their operations on the shared memory (or as `mode` says).
 * Resolves with the result, `ok: false` and a `failure` if some run fails. Rejects with a ModelError if a body cannot
 * be checked: it is not deterministic, never ends, uses real time or randomness, or keeps state outside the memory.
 * While it runs, the global Atomics, clocks, timers and typed array constructors are the model's.
 */
export async function explore<M>(options: ExploreOptions<M>): Promise<ExploreResult> {
  const explorer = new Explorer(options);
  return explorer.run();
}

/** As explore, but throws an Error that prints the failing run if there is one. */
export async function check<M>(options: ExploreOptions<M>): Promise<ExploreResult> {
  const result = await explore(options);
  if (result.failure !== undefined) throw new Error(result.failure.toString());
  return result;
}

interface Work {
  run(most: number): "more" | "done" | "failed" | "cut";
}

class Explorer<M> {
  private readonly options: ExploreOptions<M>;
  private readonly actors: Actor[];
  private readonly space: Space;
  private readonly replayer: Replayer;
  private readonly growth: Growth;
  private readonly accesses: Accesses;
  private readonly world: World;
  private readonly naming: Naming;
  private readonly specs: readonly ThreadOptions<M>[];
  private readonly shownMemory: M;
  private machine!: Machine;
  private judge!: Judge;
  private readonly start = realNow();
  private stray: unknown;
  private strayed = false;

  constructor(options: ExploreOptions<M>) {
    validate(options);
    this.options = options;
    this.specs = options.threads.map((t) => (typeof t === "function" ? { body: t } : t));
    this.actors = this.specs.map((spec, index) => ({
      index,
      name: spec.name ?? `thread ${index}`,
      body: spec.body as Actor["body"],
      rounds: spec.rounds ?? 1,
      async: false,
    }));
    this.space = new Space(options.memory);
    this.replayer = new Replayer(this.space, options.memory, options.reset);
    this.accesses = new Accesses(this.space.initial.length);
    this.accesses.watched = options.invariant !== undefined;
    this.growth = new Growth(this.actors, this.replayer, this.accesses, options.maxSteps ?? 5000);
    this.world = new World(this.replayer, this.space);
    this.naming = new Naming(this.space, options.memory, options.names);
    this.shownMemory = this.space.shownShape(options.memory);
  }

  async run(): Promise<ExploreResult> {
    const forget = this.ignoreSuspended();
    try {
      const scopes = Scopes.open();
      try {
        await this.alone(scopes);
      } finally {
        scopes?.close();
      }
      return await this.explore();
    } finally {
      // Rejections of suspended promises are told only once Node gets to its own queues.
      if (this.hasAsync()) await new Promise((resolve) => setTimeout(resolve, 0));
      forget();
      if (this.strayed) {
        // eslint-disable-next-line no-unsafe-finally
        throw this.stray;
      }
    }
  }

  private async explore(): Promise<ExploreResult> {
    const { options } = this;
    if (options.replay !== undefined) return this.replayOnly(options.replay);
    const mode = options.mode ?? "exhaustive";
    if (mode !== "exhaustive") {
      const pct = mode === "pct" ? (options.depth ?? 3) : 0;
      const draw = { schedules: options.schedules ?? 10_000, seed: options.seed ?? 1, pct };
      const { work, end } = await this.drive(() => new Sampler(this.machine, this.judge, draw));
      return this.report(work.counts, work.found, end, "a sample of schedules, not all", false);
    }
    const budget = options.states ?? 2_000_000;
    // A few runs at random tell which words are shared: most of what the search would have to start again for.
    await this.drive(() => new Sampler(this.machine, this.judge, { schedules: 100, seed: 1, pct: 0 }));
    this.accesses.forget();
    const { work, end } = await this.drive(() => new Search(this.machine, this.judge, budget));
    await this.inWorld(() => this.growth.audit(3000));
    if (end === "failed") {
      const short = await this.drive(() => new Breadth(this.machine, this.judge, budget, false));
      return this.report(work.counts, short.work.found ?? work.found, end, undefined, short.work.found !== undefined);
    }
    let cut = end === "cut" ? `${budget} states were visited (option states)` : undefined;
    if (cut === undefined && this.growth.spins.size > 0 && options.livelocks !== "ignore") {
      const live = await this.drive(() => new Breadth(this.machine, this.judge, budget, true));
      if (live.end === "failed") return this.report(work.counts, live.work.found, live.end, undefined, true);
      if (live.end === "cut") cut = `the search for livelocks was cut at ${budget} states (option states)`;
    }
    return this.report(work.counts, undefined, end, cut, false);
  }

  /** Makes the machine and the work anew whenever the states need more words, and sees to async replays. */
  private async drive<W extends Work>(make: () => W): Promise<{ work: W; end: "done" | "failed" | "cut" }> {
    for (;;) {
      try {
        this.machine = this.newMachine();
        this.judge = this.newJudge();
        const work = await this.retry(make);
        for (;;) {
          const end = await this.retry(() => work.run(SLICE_OF_WORK));
          if (end !== "more") return { work, end };
        }
      } catch (error) {
        await this.startOver(error);
      }
    }
  }

  private async startOver(error: unknown): Promise<void> {
    if (error instanceof OutOfWords) this.space.widen();
    else if (error instanceof NotFree) this.accesses.forget();
    else if (error instanceof StartAgain) await this.plant();
    else throw error;
  }

  /** Runs a slice of work in the model's world; where it needs an async replay, does that and runs it again. */
  private async retry<T>(slice: () => T): Promise<T> {
    for (let replays = 0; ; replays++) {
      this.world.enter();
      try {
        return this.hasAsync() ? slice() : this.watched(slice);
      } catch (error) {
        if (!(error instanceof NeedsReplay)) throw error;
        await this.growth.grow(error);
      } finally {
        this.world.leave();
      }
      // Rejections of suspended promises pile up until Node gets to its own queues.
      if (replays % 64 === 63) await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  /** Runs `slice`, but not for ever. */
  private watched<T>(slice: () => T): T {
    return guarded(slice, this.options.watchdogMs ?? 10_000, () => {
      const { name, step } = this.replayer.last;
      return new ModelError("ERR_MODEL_ENDLESS", "the body never comes to its next operation", name, step);
    });
  }

  private async plant(): Promise<void> {
    await this.inWorld(() => this.growth.plant((run) => this.watched(run)));
  }

  /** Runs each thread alone, and looks whether it changed a variable that its body can see. */
  private async alone(scopes: Scopes | undefined): Promise<void> {
    const before = this.actors.map(({ body }) => scopes?.variables(body));
    await this.plant();
    this.compareScopes(scopes, before, 0);
    for (const { index } of this.actors) {
      const { work } = await this.drive(() => new Solo(this.machine, index));
      this.compareScopes(scopes, before, work.steps, index);
    }
  }

  private compareScopes(
    scopes: Scopes | undefined,
    before: readonly (Map<string, string> | undefined)[],
    steps: number,
    ran?: number,
  ): void {
    for (const { body, name, index } of this.actors) {
      const then = before[index];
      const variable = then === undefined || scopes === undefined ? undefined : changed(then, scopes.variables(body));
      if (variable === undefined) continue;
      const message = `the body changed the variable \`${variable}\`; what outlives a step must be in \`memory\``;
      throw new ModelError("ERR_MODEL_FOREIGN_STATE", message, ran === undefined ? name : this.actors[ran].name, steps);
    }
  }

  private hasAsync(): boolean {
    return this.actors.some((a) => a.async);
  }

  private async inWorld<T>(job: () => Promise<T>): Promise<T> {
    this.world.enter();
    try {
      return await job();
    } finally {
      this.world.leave();
    }
  }

  private newMachine(): Machine {
    const { options, specs } = this;
    const bits = (pick: (spec: ThreadOptions<M>) => boolean): number =>
      specs.reduce((set, spec, t) => (pick(spec) ? set | (1 << t) : set), 0);
    const machine = new Machine(this.space, this.growth, this.accesses, {
      threads: specs.length,
      crashes: options.crashes ?? 0,
      crashable: bits((s) => s.crash !== false),
      preemptions: options.preemptions ?? Number.POSITIVE_INFINITY,
      timeouts: options.timeouts ?? "any",
      sliceMs: [options.sliceMs ?? 250].flat(),
      slices: options.slices ?? "after-death",
      clockJumps: options.clockJumps ?? 0,
      clockStep: options.clockStep ?? 2,
      daemons: bits((s) => s.daemon === true),
      onCrash: options.onCrash === undefined ? undefined : (t) => this.crashHook(t),
    });
    return machine;
  }

  private crashHook(thread: number): void {
    const { machine, replayer } = this;
    replayer.hook = (op) => machine.immediate(op);
    try {
      this.options.onCrash?.(thread, replayer.shape() as M);
    } finally {
      replayer.hook = undefined;
    }
  }

  private newJudge(): Judge {
    const { options } = this;
    return new Judge(this.machine, {
      names: this.actors.map((a) => a.name),
      plain: options.plain ?? "report",
      invariant: options.invariant as never,
      final: options.final as never,
      shownMemory: this.shownMemory,
      nameOf: (addr) => this.naming.nameOf(addr),
    });
  }

  private async replayOnly(text: string): Promise<ExploreResult> {
    const schedule = text.trim() === "" ? [] : text.trim().split(/\s+/).map(decodeStep);
    this.machine = this.newMachine();
    this.judge = this.newJudge();
    let verdict: Verdict | undefined;
    const room = new Int32Array(this.specs.length * 6 + this.machine.queueRoom);
    const { tracer, wrong } = await this.trace(schedule, (vec, c) => {
      const { count } = this.machine.choices(vec, room);
      return room.subarray(0, count).includes(c);
    });
    if (wrong !== undefined) {
      throw new ModelError(
        "ERR_MODEL_SCHEDULE",
        `step ${wrong + 1} of the schedule, "${encode(schedule[wrong])}", cannot be made`,
      );
    }
    const { progress, sliced } = this.machine.choices(tracer.vec, room);
    verdict = this.judge.judge(tracer.vec, progress, sliced);
    const counts = { states: schedule.length + 1, transitions: schedule.length, schedules: 1, depth: schedule.length };
    const found = verdict === undefined ? undefined : { ...verdict, schedule };
    return this.report(counts, found, "done", "one schedule only", false);
  }

  private async trace(
    schedule: readonly number[],
    allowed: (vec: Int32Array, c: number) => boolean,
  ): Promise<{ tracer: Tracer; wrong: number | undefined }> {
    for (;;) {
      try {
        const tracer = await this.retry(() => new Tracer(this.machine, this.naming, schedule));
        const wrong = await this.retry(() => tracer.run(allowed));
        return { tracer, wrong };
      } catch (error) {
        await this.startOver(error);
        this.machine = this.newMachine();
        this.judge = this.newJudge();
      }
    }
  }

  private async report(
    counts: Counts,
    found: Found | undefined,
    end: "done" | "failed" | "cut",
    cut: string | undefined,
    shortest: boolean,
  ): Promise<ExploreResult> {
    const seconds = (realNow() - this.start) / 1000;
    const failure = found === undefined ? undefined : await this.failure(found, shortest);
    const bounded = this.options.preemptions !== undefined && this.options.preemptions !== Number.POSITIVE_INFINITY;
    return {
      ok: failure === undefined,
      exhaustive: failure === undefined && end === "done" && cut === undefined && !bounded,
      failure,
      ...counts,
      replays: this.replayer.count,
      seconds,
      transitionsPerSecond: Math.round(counts.transitions / Math.max(seconds, 1e-6)),
      cut:
        cut ?? (bounded && failure === undefined ? `at most ${this.options.preemptions} preemptions a run` : undefined),
      assumptions: [...this.growth.spins].map(
        ([name, n]) => `${name} spins for ever in ${n} loops while nothing changes`,
      ),
    };
  }

  private async failure(found: Found, shortest: boolean): Promise<Failure> {
    const { tracer } = await this.trace(found.schedule, () => true);
    const schedule = found.schedule.map(encode).join(" ");
    const names = this.actors.map((a) => a.name);
    const text =
      `${found.kind}: ${found.message}\n\n${columns(names, tracer.steps)}\n\n` +
      `${shortest ? "The shortest failing schedule" : "A failing schedule"} (${found.schedule.length} steps); ` +
      `run it again with { replay: "${schedule}" }`;
    return { kind: found.kind, message: found.message, schedule, shortest, steps: tracer.steps, toString: () => text };
  }

  /** Promises of suspended async bodies are rejected and nobody cares; other stray rejections fail the exploration. */
  private ignoreSuspended(): () => void {
    const proc = (globalThis as { process?: NodeJS.Process }).process;
    if (typeof proc?.on !== "function") return () => undefined;
    const listener = (reason: unknown): void => {
      if (isSuspend(reason)) return;
      this.stray = reason;
      this.strayed = true;
    };
    proc.on("unhandledRejection", listener);
    return () => void proc.off("unhandledRejection", listener);
  }
}

function decodeStep(text: string): number {
  const c = decode(text);
  if (c === undefined) throw new ModelError("ERR_MODEL_SCHEDULE", `"${text}" is no step of a schedule`);
  return c;
}

function validate<M>(options: ExploreOptions<M>): void {
  const n = options.threads.length;
  if (n < 1 || n > 15) throw new RangeError(`explore: ${n} threads were given; 1 to 15 are possible`);
  for (const key of ["crashes", "preemptions", "schedules", "states", "maxSteps", "clockJumps"] as const) {
    const value = options[key];
    if (value !== undefined && !(value >= 0))
      throw new RangeError(`explore: ${key} must be a number ≥ 0, not ${value}`);
  }
}
