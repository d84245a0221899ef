// Schedules drawn at random, for models too large to search: uniformly, or by PCT (Burckhardt et al. 2010).
// PCT gives each thread a random priority, runs the highest that can run, and at `depth - 1` random steps drops the
// running thread below all others; it finds a bug that needs `depth` ordered events with a known least probability.
// Invariant: the seed and the number of the schedule determine it.
import { actorOf, CRASH, choice, DO, kindOf } from "./choices.ts";
import type { Judge } from "./judge.ts";
import type { Machine } from "./machine.ts";
import type { Counts, Found } from "./search.ts";

/** mulberry32: small, seeded, good enough to draw schedules. */
export function random(seed: number): () => number {
  let a = seed | 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const LONGEST = 20_000;

/** One thread without the others: until it sleeps, ends, or has made a thousand steps. */
export class Solo {
  steps = 0;
  private readonly machine: Machine;
  private readonly thread: number;
  private readonly vec: Int32Array;
  private readonly scratch: Int32Array;

  constructor(machine: Machine, thread: number) {
    this.machine = machine;
    this.thread = thread;
    this.vec = machine.initial();
    this.scratch = new Int32Array(machine.width);
  }

  run(): "done" {
    while (this.steps < 1000 && this.machine.pending(this.vec, this.thread) !== undefined) {
      this.scratch.set(this.vec);
      this.machine.step(this.scratch, choice(DO, this.thread));
      this.vec.set(this.scratch);
      this.steps++;
    }
    return "done";
  }
}

export class Sampler {
  readonly counts: Counts = { states: 0, transitions: 0, schedules: 0, depth: 0 };
  found: Found | undefined;
  /** Runs that were given up because they spun for too long. */
  unfinished = 0;
  private readonly machine: Machine;
  private readonly judge: Judge;
  private readonly options: { schedules: number; seed: number; pct: number };
  private vec: Int32Array;
  private made: number[] = [];
  private next: () => number;
  private priorities: number[] = [];
  private changes = new Set<number>();
  private guess = 50;
  private picked: number | undefined;
  private readonly scratch: Int32Array;
  private readonly choices: Int32Array;

  constructor(machine: Machine, judge: Judge, options: { schedules: number; seed: number; pct: number }) {
    this.machine = machine;
    this.judge = judge;
    this.options = options;
    this.scratch = new Int32Array(machine.width);
    this.choices = new Int32Array(machine.mostChoices);
    this.vec = machine.initial();
    this.next = random(options.seed);
    this.start();
  }

  run(most: number): "more" | "done" | "failed" {
    const stop = this.counts.transitions + most;
    while (this.found === undefined && this.counts.schedules < this.options.schedules) {
      if (this.counts.transitions >= stop) return "more";
      this.advance();
    }
    return this.found === undefined ? "done" : "failed";
  }

  private start(): void {
    const { threads } = this.machine.rules;
    this.vec.set(this.machine.initial());
    this.made = [];
    this.next = random(Math.imul(this.options.seed + 1, 0x9e3779b1) ^ (this.counts.schedules + this.unfinished));
    this.priorities = Array.from({ length: threads }, () => 1 + this.next());
    this.changes = new Set(
      Array.from({ length: Math.max(this.options.pct - 1, 0) }, () => Math.floor(this.next() * this.guess)),
    );
  }

  private advance(): void {
    const { machine, counts } = this;
    const { count, progress, sliced } = machine.choices(this.vec, this.choices);
    const verdict = this.judge.judge(this.vec, progress, sliced);
    if (verdict !== undefined) {
      this.found = { ...verdict, schedule: this.made };
      return;
    }
    if (progress === 0 || this.made.length >= LONGEST) {
      counts.depth = Math.max(counts.depth, this.made.length);
      this.guess = Math.max(this.guess, this.made.length);
      counts.schedules++;
      if (progress > 0) this.unfinished++;
      this.start();
      return;
    }
    // A replay that must be waited for comes back here: the same choice is then made again.
    this.picked ??= this.pick(count, progress);
    this.scratch.set(this.vec);
    machine.step(this.scratch, this.picked);
    this.vec.set(this.scratch);
    this.made.push(this.picked);
    this.picked = undefined;
    counts.transitions++;
    counts.states++;
  }

  private pick(count: number, progress: number): number {
    if (count > progress && this.next() < 0.03) {
      return this.choices[progress + Math.floor(this.next() * (count - progress))];
    }
    if (this.options.pct === 0) return this.choices[Math.floor(this.next() * progress)];
    let best = Number.NEGATIVE_INFINITY;
    let choice = this.choices[0];
    for (let i = 0; i < progress; i++) {
      const c = this.choices[i];
      // What the outside world does (time-outs, events) happens now and then, whatever the priorities.
      const rank = kindOf(c) === DO || kindOf(c) === CRASH ? this.priorities[actorOf(c)] : this.next() * 2.2;
      if (rank > best) {
        best = rank;
        choice = c;
      }
    }
    const t = actorOf(choice);
    const spins = this.machine.node(this.vec, t).spinning;
    if (this.changes.has(this.made.length) || spins) this.priorities[t] = this.next() * 0.5 - this.made.length;
    return choice;
  }
}
