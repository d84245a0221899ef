// One exploration. This file only joins the parts: options (options.ts), the world (world.ts), trees of logs (growth.ts), the transition system
// (machine.ts), the searches (search.ts, breadth.ts, sampler.ts) and the report (trace.ts).

import { Accesses, NotFree } from "./accesses.ts";
import { AsyncWatchdog } from "./async-watchdog.ts";
import { Breadth } from "./breadth.ts";
import { decode, encode } from "./choices.ts";
import { ModelError } from "./errors.ts";
import { Growth, NeedsReplay, StartAgain } from "./growth.ts";
import { Judge } from "./judge.ts";
import { Machine } from "./machine.ts";
import type { ExploreOptions, ExploreResult, Failure, ThreadOptions } from "./options.ts";
import { Replayer } from "./replay.ts";
import { type Actor, isSuspend } from "./run.ts";
import { Sampler, Solo } from "./sampler.ts";
import { changed, Scopes } from "./scopes.ts";
import { type Counts, type Found, Search } from "./search.ts";
import { OutOfWords, Space } from "./space.ts";
import { columns, Naming, Tracer } from "./trace.ts";
import { guarded } from "./watchdog.ts";
import { World } from "./world.ts";

const realNow = performance.now.bind(performance);
const SLICE_OF_WORK = 20_000;
/** Most states visited to find a failing schedule shorter than the one at hand. */
const SHORTEST = 3_000_000;

interface Work {
  run(most: number): "more" | "done" | "failed" | "cut";
}

export class Explorer<M> {
  private readonly options: ExploreOptions<M>;
  private readonly actors: Actor[];
  private readonly space: Space;
  private readonly watchdog: AsyncWatchdog;
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
    this.watchdog = new AsyncWatchdog(options.watchdogMs ?? 10_000);
    this.replayer = new Replayer(this.space, options.memory, this.watchdog, options.reset);
    this.accesses = new Accesses(this.space.initial.length);
    this.accesses.watched = options.invariant !== undefined;
    this.accesses.plainSteps = !this.accesses.watched && options.plain !== "ignore";
    this.growth = new Growth(this.actors, this.replayer, this.accesses, options.maxSteps ?? 5000);
    this.growth.merges = options.checkpoints !== "ignore";
    this.world = new World(this.replayer, this.space);
    this.naming = new Naming(this.space, options.memory, options.names);
    this.shownMemory = this.space.shownShape(options.memory);
  }

  async run(): Promise<ExploreResult> {
    const forget = this.ignoreSuspended();
    try {
      const result = await this.watchdog.over(this.whole(), () => {
        // What was running is gone, and did not clean up.
        this.world.leave();
        this.replayer.drop();
        return this.endless("the body computes on and on after an await, and never comes to its next operation");
      });
      // A task of a body failed where nobody awaited it: no run with it is worth anything.
      if (this.strayed) throw this.stray;
      return result;
    } finally {
      // Rejections of suspended promises are told only once Node gets to its own queues.
      if (this.hasAsync()) await new Promise((resolve) => setTimeout(resolve, 0));
      forget();
    }
  }

  private async whole(): Promise<ExploreResult> {
    const scopes = Scopes.open();
    try {
      await this.alone(scopes);
    } finally {
      scopes?.close();
    }
    return this.explore();
  }

  private async explore(): Promise<ExploreResult> {
    const { options } = this;
    if (options.replay !== undefined) return this.replayOnly(options.replay);
    const mode = options.mode ?? "exhaustive";
    if (mode !== "exhaustive") {
      const pct = mode === "pct" ? (options.depth ?? 3) : 0;
      const draw = { schedules: options.schedules ?? 10_000, seed: options.seed ?? 1, pct };
      const { work, end } = await this.drive(() => new Sampler(this.machine, this.judge, draw));
      await this.audit();
      return this.report(work.counts, work.found, end, "a sample of schedules, not all", false);
    }
    const budget = options.states ?? 2_000_000;
    // A few runs at random tell which words are shared: most of what the search would have to start again for.
    await this.drive(() => new Sampler(this.machine, this.judge, { schedules: 100, seed: 1, pct: 0 }));
    this.accesses.forget();
    const { work, end } = await this.drive(() => new Search(this.machine, this.judge, budget));
    await this.audit();
    if (end === "failed" && options.shortest === false)
      return this.report(work.counts, work.found, end, undefined, false);
    if (end === "failed") {
      const short = await this.drive(() => new Breadth(this.machine, this.judge, Math.min(budget, SHORTEST), false));
      return this.report(work.counts, short.work.found ?? work.found, end, undefined, short.work.found !== undefined);
    }
    let cut = end === "cut" ? `${budget} states were visited (option states)` : undefined;
    const cyclic = this.growth.spins.size > 0 || this.growth.checkpoints.loops > 0;
    if (cut === undefined && cyclic && options.livelocks !== "ignore") {
      this.accesses.forget();
      const live = await this.drive(() => new Breadth(this.machine, this.judge, budget, true));
      await this.audit();
      work.counts.transitions += live.work.transitions;
      if (live.end === "failed") return this.report(work.counts, live.work.found, live.end, undefined, true);
      if (live.end === "cut") cut = `the search for livelocks was cut at ${budget} states (option states)`;
    }
    return this.report(work.counts, undefined, end, cut, false);
  }

  /** Looks whether the bodies are what was taken for granted: deterministic, and true in what they say they remember. */
  private async audit(): Promise<void> {
    await this.inWorld(() => this.growth.audit(3000));
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
    return guarded(slice, this.options.watchdogMs ?? 10_000, () =>
      this.endless("the body never comes to its next operation"),
    );
  }

  private endless(message: string): ModelError {
    const { name, step } = this.replayer.last;
    return new ModelError("ERR_MODEL_ENDLESS", message, name, step);
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

  private bounded(): boolean {
    return (this.options.preemptions ?? Number.POSITIVE_INFINITY) !== Number.POSITIVE_INFINITY;
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
    const room = new Int32Array(this.machine.mostChoices);
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
    const verdict = this.judge.judge(tracer.vec, progress, sliced);
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
    const bounded = this.bounded();
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
    // A listener of an event target (an abort signal's) that throws ends up as an uncaught exception.
    proc.on("unhandledRejection", listener);
    proc.on("uncaughtException", listener);
    return () => {
      proc.off("unhandledRejection", listener);
      proc.off("uncaughtException", listener);
    };
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
