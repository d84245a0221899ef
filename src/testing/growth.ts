// Grows the trees of logs (tree.ts) by running bodies.
// Invariant: a node exists only if its body was run against its log; every log is run twice or audited later.
import type { Accesses } from "./accesses.ts";
import { Checkpoints } from "./checkpoints.ts";
import { compare } from "./compare.ts";
import { ModelError } from "./errors.ts";
import type { Op } from "./ops.ts";
import { NeedsAsync, type Replayer } from "./replay.ts";
import { agree, future, roundOf } from "./rounds.ts";
import type { Actor } from "./run.ts";
import { logOf, Node, type Outcome, opsOf, textOf } from "./tree.ts";

/** Thrown when the next step needs an async replay; `grow` of the same arguments does it. */
export class NeedsReplay extends Error {
  actor: Actor | undefined;
  parent: Node | undefined;
  key: unknown;
  entry: unknown;
}

/** Thrown when a body with rounds turns out to be async: its logs so far were cut where they must not be. */
export class StartAgain extends Error {}

export class Growth {
  readonly nodes: Node[] = [];
  readonly roots: Node[] = [];
  /** Loops taken as endless, by thread: the one assumption of a search. */
  readonly spins = new Map<string, number>();
  readonly checkpoints = new Checkpoints();
  /** Whether logs that end in one checkpoint are taken as one. */
  merges = true;
  private readonly actors: readonly Actor[];
  private readonly replayer: Replayer;
  private readonly accesses: Accesses;
  private readonly maxSteps: number;
  private readonly needs = new NeedsReplay();
  private readonly starts: Node[][] = [];
  private readonly rests = new Map<string, Node>();

  constructor(actors: readonly Actor[], replayer: Replayer, accesses: Accesses, maxSteps: number) {
    this.accesses = accesses;
    this.actors = actors;
    this.replayer = replayer;
    this.maxSteps = maxSteps;
  }

  /** Runs every body to its first operation, under `attempt`'s watch. Forgets what was known before. */
  async plant(attempt: <T>(run: () => T) => T): Promise<void> {
    this.nodes.length = 0;
    this.roots.length = 0;
    this.spins.clear();
    this.rests.clear();
    this.checkpoints.forget();
    for (const actor of this.actors) {
      const starts: Node[] = [];
      let round = 0;
      do {
        const first = await this.begin(actor, round, attempt);
        compare(actor, undefined, first, await this.begin(actor, round, attempt));
        const root = new Node(this.nodes.length, actor.index, round, undefined, undefined, first);
        this.keep(root);
        starts.push(root);
      } while (++round < this.roundsOf(actor));
      this.starts[actor.index] = starts;
      for (const root of starts) this.link(root);
      this.roots.push(starts[0]);
    }
  }

  private async begin(actor: Actor, round: number, attempt: <T>(run: () => T) => T): Promise<Outcome> {
    if (!actor.async) {
      try {
        return attempt(() => this.replayer.run(actor, [], [], round));
      } catch (error) {
        if (!(error instanceof NeedsAsync)) throw error;
        actor.async = true;
      }
    }
    return this.replayer.runAsync(actor, [], [], round);
  }

  /** An async body keeps its event loop between calls: its rounds are one log. */
  private roundsOf(actor: Actor): number {
    return actor.async ? 1 : actor.rounds;
  }

  private keep(node: Node): void {
    this.nodes.push(node);
    const { op } = node.outcome;
    if (op !== undefined) this.accesses.note(1 << node.thread, op);
    if (node.optimistic !== undefined) this.accesses.noteOptimistic();
  }

  private link(node: Node): void {
    const { end } = node.outcome;
    if (end === undefined || "error" in end || node.outcome.op !== undefined) return;
    node.next = this.starts[node.thread]?.[node.round + 1];
  }

  /** The node reached from `parent` when its pending operation returns `entry` (or `entry` is delivered). */
  kid(parent: Node, key: unknown, entry: unknown): Node {
    const known = parent.kids.get(key);
    if (known !== undefined) return known;
    const actor = this.actors[parent.thread];
    if (actor.async) this.ask(actor, parent, key, entry);
    const log = [...logOf(parent), entry];
    const ops = [...opsOf(parent), parent.outcome.op];
    this.limit(actor, log.length);
    try {
      const outcome = this.replayer.run(actor, log, ops, parent.round);
      if (this.doubtful()) compare(actor, parent, outcome, this.replayer.run(actor, log, ops, parent.round));
      return this.join(actor, parent, key, entry, outcome, (l, o) => this.replayer.run(actor, l, o, parent.round));
    } catch (error) {
      if (!(error instanceof NeedsAsync)) throw error;
      actor.async = true;
      if (actor.rounds > 1) throw new StartAgain();
      return this.ask(actor, parent, key, entry);
    }
  }

  async grow(needs: NeedsReplay): Promise<void> {
    const { actor, parent, key, entry } = needs;
    if (actor === undefined || parent === undefined) throw new Error("grow: nothing was asked for");
    const log = [...logOf(parent), entry];
    const ops = [...opsOf(parent), parent.outcome.op];
    this.limit(actor, log.length);
    const outcome = await this.replayer.runAsync(actor, log, ops, parent.round);
    if (this.doubtful()) compare(actor, parent, outcome, await this.replayer.runAsync(actor, log, ops, parent.round));
    if (this.merge(parent, key, entry, outcome) !== undefined) return;
    const round = roundOf(parent, entry, outcome);
    const endless = round > 0 && (await this.endlessAsync(actor, parent, entry, round));
    this.attach(actor, parent, key, entry, outcome, endless ? round : 0);
  }

  /** The node of another log that ended in the same checkpoint, if there is one. */
  private merge(parent: Node, key: unknown, entry: unknown, outcome: Outcome): Node | undefined {
    const name = this.merges ? this.checkpoints.keyOf(parent, outcome) : undefined;
    const same = name === undefined ? undefined : this.checkpoints.find(name);
    if (same === undefined) return undefined;
    parent.kids.set(key, same);
    for (const node of this.checkpoints.merge(parent, entry, same)) {
      node.spinning = true;
      this.accesses.contradict(node);
    }
    if (same.fenced) this.accesses.contradict(same);
    return same;
  }

  /** Runs ended and sampled logs once more, newest first: a body with memory of its own answers otherwise now. */
  async audit(most: number): Promise<void> {
    const ends = this.nodes.filter((n) => n.outcome.op === undefined);
    const stride = Math.max(1, Math.ceil(ends.length / most));
    for (let i = ends.length - 1; i >= 0; i -= stride) {
      const node = ends[i];
      const actor = this.actors[node.thread];
      const again = actor.async
        ? await this.replayer.runAsync(actor, logOf(node), opsOf(node), node.round)
        : this.replayer.run(actor, logOf(node), opsOf(node), node.round);
      compare(actor, node.parent, node.outcome, again, node.depth);
    }
    await this.checkpoints.audit(Math.min(most, 4 * this.nodes.length), async ({ thread, round }, log, ops) => {
      const actor = this.actors[thread];
      return actor.async ? this.replayer.runAsync(actor, log, ops, round) : this.replayer.run(actor, log, ops, round);
    });
  }

  private ask(actor: Actor, parent: Node, key: unknown, entry: unknown): never {
    Object.assign(this.needs, { actor, parent, key, entry });
    throw this.needs;
  }

  private limit(actor: Actor, steps: number): void {
    if (steps <= this.maxSteps) return;
    throw new ModelError(
      "ERR_MODEL_ENDLESS",
      `the body has not ended after ${this.maxSteps} operations (option maxSteps)`,
      actor.name,
      steps - 1,
    );
  }

  private doubtful(): boolean {
    return this.nodes.length < 500 || this.nodes.length % 8 === 0;
  }

  private join(
    actor: Actor,
    parent: Node,
    key: unknown,
    entry: unknown,
    outcome: Outcome,
    run: (log: unknown[], ops: (Op | undefined)[]) => Outcome,
  ): Node {
    const same = this.merge(parent, key, entry, outcome);
    if (same !== undefined) return same;
    const round = roundOf(parent, entry, outcome);
    const endless = round > 0 && this.repeats(parent, entry, round, run);
    return this.attach(actor, parent, key, entry, outcome, endless ? round : 0);
  }

  private attach(actor: Actor, parent: Node, key: unknown, entry: unknown, outcome: Outcome, round: number): Node {
    let node: Node;
    if (round === 0) {
      node = this.add(parent, entry, outcome);
      const name = this.merges ? this.checkpoints.keyOf(parent, outcome) : undefined;
      if (name !== undefined) this.checkpoints.learn(name, node);
    } else {
      node = parent;
      for (let i = 1; i < round; i++) node = node.parent as Node;
      for (let n: Node = parent; ; n = n.parent as Node) {
        n.spinning = true;
        this.accesses.contradict(n);
        if (n === node) break;
      }
      this.spins.set(actor.name, (this.spins.get(actor.name) ?? 0) + 1);
    }
    parent.kids.set(key, node);
    return node;
  }

  private add(parent: Node, entry: unknown, outcome: Outcome): Node {
    const node = new Node(this.nodes.length, parent.thread, parent.round, parent, entry, outcome);
    this.keep(node);
    this.link(node);
    const step = parent.outcome.op;
    if (!parent.closing && outcome.end !== undefined && step !== undefined) {
      parent.closing = true;
      this.accesses.close(parent, step);
    }
    return node;
  }

  /** The one node that stands for every way in which a thread has come to this end. */
  restOf(node: Node): Node {
    const { value } = node.outcome.end as { value?: unknown };
    if (node.outcome.op !== undefined || "error" in (node.outcome.end as object)) return node;
    if (typeof value === "object" || typeof value === "function" || typeof value === "symbol") return node;
    // What it has touched plainly and nothing has ordered yet may still race.
    const loose = node.segment.map((s) => `${s.addr} ${s.size} ${s.write}`).join();
    const key = `${node.thread} ${textOf([value])} ${loose}`;
    const known = this.rests.get(key);
    if (known !== undefined) return known;
    this.rests.set(key, node);
    return node;
  }

  private repeats(
    parent: Node,
    entry: unknown,
    round: number,
    run: (log: unknown[], ops: (Op | undefined)[]) => Outcome,
  ): boolean {
    const { log, ops } = future(parent, entry, round);
    try {
      return agree(run(log, ops), ops, round);
    } catch (error) {
      if (error instanceof ModelError && error.code === "ERR_MODEL_NONDETERMINISTIC") return false;
      throw error;
    }
  }

  private async endlessAsync(actor: Actor, parent: Node, entry: unknown, round: number): Promise<boolean> {
    const { log, ops } = future(parent, entry, round);
    try {
      return agree(await this.replayer.runAsync(actor, log, ops, parent.round), ops, round);
    } catch (error) {
      if (error instanceof ModelError && error.code === "ERR_MODEL_NONDETERMINISTIC") return false;
      throw error;
    }
  }
}
