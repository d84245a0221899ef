// One exploration, from its options (options.ts) to its report (trace.ts): what is searched, and by which search (search.ts,
// breadth.ts, sampler.ts). How a search is driven is driver.ts.

import { Breadth } from "./breadth.ts";
import { decode, encode } from "./choices.ts";
import { Driver } from "./driver.ts";
import { ModelError } from "./errors.ts";
import type { ExploreResult, Failure } from "./options.ts";
import { Sampler, Solo } from "./sampler.ts";
import { changed, Scopes } from "./scopes.ts";
import { type Counts, type Found, Search } from "./search.ts";
import { Strays } from "./strays.ts";
import { columns, Tracer } from "./trace.ts";

const realNow = performance.now.bind(performance);
/** Most states visited to find a failing schedule shorter than the one at hand. */
const SHORTEST = 3_000_000;

export class Explorer<M> extends Driver<M> {
  async run(): Promise<ExploreResult> {
    const strays = new Strays();
    const forget = strays.listen();
    try {
      const result = await this.watchdog.over(this.whole(), () => {
        // What was running is gone, and did not clean up.
        this.world.leave();
        this.replayer.drop();
        return this.endless("the body computes on and on after an await, and never comes to its next operation");
      });
      if (strays.found !== undefined) throw strays.found.reason;
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
}

function decodeStep(text: string): number {
  const c = decode(text);
  if (c === undefined) throw new ModelError("ERR_MODEL_SCHEDULE", `"${text}" is no step of a schedule`);
  return c;
}
