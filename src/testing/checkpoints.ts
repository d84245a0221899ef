// Local states that a body names itself: `checkpoint(...values)` says that the thread remembers nothing but the values.
//
// A thread's state is the log of all that it has seen, so two threads that came to one point over different ways are
// different for ever, although they do the same from there. Where a body says what it remembers, logs that agree in
// that, in the operation they want next, and in what the checker itself remembers of them (rounds, plain accesses that
// nothing orders yet, timers) are one node of the tree, which so becomes a graph.
//
// Why that loses no run: what a body does next is a function of its local state and of the results to come. If two logs
// end in states that agree in all that the body looks at later, the same results bring both through the same operations to
// the same end; so what the search finds behind one it would find behind the other. The body promises that the values are
// all it looks at (within a scope: beside what it knew when it entered it, which the key holds as the node of that time);
// the operation at hand, the round, the markers since the last operation and the plain accesses that may still race are in
// the key as well, and a log with timers or promises, or in an optimistic section, is never merged.
//
// The promise is not believed. Every merged log, or a sample spread over all of them if they are too many, is run on along
// ways that the log it was merged with went, and must want the same operations and come to the same end:
// ERR_MODEL_NONDETERMINISTIC if not, whatever the search has found.
// Invariant: every cycle of the graph holds a fenced node, whose step is never made without a choice, or an endless
// loop of rounds.ts, whose steps are not either.
import { reaches, spinsOf } from "./cycles.ts";
import { ModelError } from "./errors.ts";
import type { Op } from "./ops.ts";
import { sameOrNone } from "./rounds.ts";
import { logOf, type Node, type Outcome, opsOf, segmentOf, textOf } from "./tree.ts";

/** A log that was taken as equal to that of `same`. */
interface Merged {
  readonly parent: Node;
  readonly entry: unknown;
  readonly same: Node;
}

/** How many logs are run again to see whether the bodies spoke true, and each how often, at the most; and how far. */
const MOST_AUDITED = 2000;
const MOST_WAYS = 64;
const FAR = 400;
const NEAR = 60;

export class Checkpoints {
  private readonly known = new Map<string, Node>();
  private readonly merged: Merged[] = [];
  private seen = 0;
  private drawn = 1;
  /** Ways back to where a thread has been: states of the search may repeat. */
  loops = 0;

  forget(): void {
    this.known.clear();
    this.merged.length = 0;
    this.seen = 0;
    this.drawn = 1;
    this.loops = 0;
  }

  /** What the log that leads to `outcome` is known by, if it ends in a checkpoint. */
  keyOf(parent: Node, outcome: Outcome): string | undefined {
    const { effects, op, end, tokens } = outcome;
    if (op === undefined || end !== undefined || tokens !== 0 || parent.optimistic !== undefined) return undefined;
    if (effects.some((e) => e.type === "optimistic")) return undefined;
    // The one that forgets most: what was done between it and the next operation follows from it.
    let base = parent.depth + 1;
    let said = "";
    for (const e of effects) {
      if (e.type !== "checkpoint") continue;
      if (e.base >= base && (said === "" || e.base > base)) continue;
      base = e.base;
      said = e.values;
    }
    if (said === "") return undefined;
    let known = parent;
    while (known.depth > base) known = known.parent as Node;
    const marks = effects.filter((e) => e.type !== "checkpoint").map((e) => e.type);
    const { kind, elem, addr, a, b } = op;
    const want = `${kind} ${elem.size} ${addr} ${textOf([a, b])}`;
    const loose = segmentOf(parent)
      .map((s) => `${s.addr} ${s.size} ${s.write}`)
      .join();
    return `${known.thread} ${known.round} ${known.depth === 0 ? "" : known.id}|${want}|${loose}|${marks}|${said}`;
  }

  find(key: string): Node | undefined {
    return this.known.get(key);
  }

  learn(key: string, node: Node): void {
    this.known.set(key, node);
  }

  /**
   * `parent` goes on to `same` after `entry`: an edge of the graph that is none of the tree. If that closes a cycle,
   * `same` is fenced; returns the nodes of those cycles in which a thread only spins.
   */
  merge(parent: Node, entry: unknown, same: Node): Iterable<Node> {
    // A sample that is spread over all of them, however many there will be.
    const at = this.seen < MOST_AUDITED ? this.seen : (Math.imul(this.seen, 0x9e3779b1) >>> 0) % this.seen;
    this.seen++;
    if (at < MOST_AUDITED) this.merged[at] = { parent, entry, same };
    if (!reaches(same, parent)) return [];
    this.loops++;
    same.fenced = true;
    return spinsOf(parent, entry, same);
  }

  /** Runs merged logs on along ways that the logs they were merged with went; `most`: how many runs that may take. */
  async audit(
    most: number,
    run: (node: Node, log: unknown[], ops: (Op | undefined)[]) => Promise<Outcome>,
  ): Promise<void> {
    const ways = Math.max(1, Math.min(MOST_WAYS, Math.ceil(most / this.merged.length)));
    for (const merged of this.merged) {
      for (let way = 0; way < ways; way++) await this.auditOne(merged, way === 0 ? FAR : NEAR, run);
    }
  }

  private async auditOne(
    { parent, entry, same }: Merged,
    far: number,
    run: (node: Node, log: unknown[], ops: (Op | undefined)[]) => Promise<Outcome>,
  ): Promise<void> {
    const log = [...logOf(parent), entry];
    const ops = [...opsOf(parent), parent.outcome.op];
    let node = same;
    for (let n = 0; n < far && node.kids.size > 0; n++) {
      const [key, next] = [...node.kids][this.draw(node.kids.size)];
      log.push(next.parent === node ? next.entry : key);
      ops.push(node.outcome.op);
      node = next;
    }
    const { op, end } = node.outcome;
    const after = await run(parent, log, ops).catch((error: unknown) => {
      throw error instanceof ModelError && error.code === "ERR_MODEL_NONDETERMINISTIC" ? unlike(parent) : error;
    });
    const ends = (after.end === undefined) === (end === undefined);
    if (!sameOrNone(after.op, op) || !ends || !Object.is(after.end?.value, end?.value)) throw unlike(parent);
  }

  /** The next of a fixed row of numbers below `n`. */
  private draw(n: number): number {
    this.drawn = (Math.imul(this.drawn, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.drawn / 2 ** 32) * n);
  }
}

function unlike(parent: Node): ModelError {
  return new ModelError(
    "ERR_MODEL_NONDETERMINISTIC",
    "the body remembers more than it said at a checkpoint: from there it went on differently with the same values",
    `thread ${parent.thread}`,
    parent.depth + 1,
  );
}
