// What an exploration works with, and how it is driven: the world (world.ts), trees of logs (growth.ts), the transition system
// (machine.ts) and its judge, made anew whenever more is known of the bodies.
// Invariant: bodies run only within `retry`, `plant` and `inWorld`, where the global Atomics is the simulated one.

import { Accesses, NotFree } from "./accesses.ts";
import { AsyncWatchdog } from "./async-watchdog.ts";
import { ModelError } from "./errors.ts";
import { Growth, NeedsReplay, StartAgain } from "./growth.ts";
import { Judge } from "./judge.ts";
import { Machine } from "./machine.ts";
import type { ExploreOptions, ThreadOptions } from "./options.ts";
import { Replayer } from "./replay.ts";
import type { Actor } from "./run.ts";
import { OutOfWords, Space } from "./space.ts";
import { Naming } from "./trace.ts";
import { guarded } from "./watchdog.ts";
import { World } from "./world.ts";

const realNow = performance.now.bind(performance);
const SLICE_OF_WORK = 20_000;

interface Work {
  run(most: number): "more" | "done" | "failed" | "cut";
}

export class Driver<M> {
  protected readonly options: ExploreOptions<M>;
  protected readonly actors: Actor[];
  protected readonly space: Space;
  protected readonly watchdog: AsyncWatchdog;
  protected readonly replayer: Replayer;
  protected readonly growth: Growth;
  protected readonly accesses: Accesses;
  protected readonly world: World;
  protected readonly naming: Naming;
  protected readonly specs: readonly ThreadOptions<M>[];
  protected readonly shownMemory: M;
  protected machine!: Machine;
  protected judge!: Judge;
  protected readonly start = realNow();

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

  /** Looks whether the bodies are what was taken for granted: deterministic, and true in what they say they remember. */
  protected async audit(): Promise<void> {
    await this.inWorld(() => this.growth.audit(3000));
  }

  /** Makes the machine and the work anew whenever the states need more words, and sees to async replays. */
  protected async drive<W extends Work>(make: () => W): Promise<{ work: W; end: "done" | "failed" | "cut" }> {
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

  protected async startOver(error: unknown): Promise<void> {
    if (error instanceof OutOfWords) this.space.widen();
    else if (error instanceof NotFree) this.accesses.forget();
    else if (error instanceof StartAgain) await this.plant();
    else throw error;
  }

  /** Runs a slice of work in the model's world; where it needs an async replay, does that and runs it again. */
  protected async retry<T>(slice: () => T): Promise<T> {
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
  protected watched<T>(slice: () => T): T {
    return guarded(slice, this.options.watchdogMs ?? 10_000, () =>
      this.endless("the body never comes to its next operation"),
    );
  }

  protected endless(message: string): ModelError {
    const { name, step } = this.replayer.last;
    return new ModelError("ERR_MODEL_ENDLESS", message, name, step);
  }

  protected async plant(): Promise<void> {
    await this.inWorld(() => this.growth.plant((run) => this.watched(run)));
  }

  protected hasAsync(): boolean {
    return this.actors.some((a) => a.async);
  }

  protected async inWorld<T>(job: () => Promise<T>): Promise<T> {
    this.world.enter();
    try {
      return await job();
    } finally {
      this.world.leave();
    }
  }

  protected newMachine(): Machine {
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

  protected crashHook(thread: number): void {
    const { machine, replayer } = this;
    replayer.hook = (op) => machine.immediate(op);
    try {
      this.options.onCrash?.(thread, replayer.shape() as M);
    } finally {
      replayer.hook = undefined;
    }
  }

  protected newJudge(): Judge {
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
