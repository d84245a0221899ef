// Cycles in the graph that merged logs make of a thread's tree (checkpoints.ts), and which of them a thread can go round for ever
// while nothing changes: it spins. A loop that goes round since others changed something, as a compare-exchange that is tried
// again, is none: the thread goes on.
// Invariant: a cycle that a thread can go round with memory as it leaves it is found, or taken for one.
import { CAS, isWrite, LOAD, modified, NOTIFY, NOW, type Op, PLAIN_READ, PLAIN_WRITE, STORE, WAIT } from "./ops.ts";
import type { Node } from "./tree.ts";

/** Steps of a search for spins; one that is longer takes the whole cycle for one. */
const MOST_STEPS = 2000;

let marks = 0;

/** Whether `from` can come to `to`. */
export function reaches(from: Node, to: Node): boolean {
  return reached(from, () => true).includes(to);
}

/** Every node that can be reached, by way of those that pass `through`. */
function reached(from: Node, through: (node: Node) => boolean): Node[] {
  const mark = ++marks;
  const found = [from];
  from.mark = mark;
  for (let i = 0; i < found.length; i++) {
    if (!through(found[i])) continue;
    for (const kid of found[i].kids.values()) {
      if (kid.mark === mark) continue;
      kid.mark = mark;
      found.push(kid);
    }
  }
  return found;
}

const waits = (node: Node): boolean => node.outcome.op?.kind === WAIT;

/** The nodes of all ways from `from` to `to` on which nobody waits. */
function between(from: Node, to: Node): Set<Node> {
  const forth = reached(from, (node) => !waits(node));
  if (!forth.includes(to) || waits(to)) return new Set();
  const back = new Map<Node, Node[]>();
  for (const node of forth) {
    if (waits(node)) continue;
    for (const kid of node.kids.values()) back.set(kid, [...(back.get(kid) ?? []), node]);
  }
  const found = new Set([to]);
  for (const node of found) for (const before of back.get(node) ?? []) found.add(before);
  return found;
}

/** What a way found in memory when it came, and what it leaves there. */
class Cells {
  private readonly found = new Map<number, unknown>();
  private readonly left = new Map<number, unknown>();

  /** What memory holds after a step; undefined if the step can't have had that result. */
  after(op: Op, result: unknown): Cells | undefined {
    if (op.kind === NOW || op.kind === NOTIFY) return this;
    const next = new Cells();
    for (const [cell, value] of this.found) next.found.set(cell, value);
    for (const [cell, value] of this.left) next.left.set(cell, value);
    if (op.kind !== STORE && op.kind !== PLAIN_WRITE) {
      if (!next.left.has(op.addr)) next.found.set(op.addr, result);
      else if (!Object.is(next.left.get(op.addr), result)) return undefined;
      next.left.set(op.addr, result);
    }
    if (isWrite(op)) next.left.set(op.addr, written(op, result));
    return next;
  }

  /** Whether the way can be gone once more. */
  get repeats(): boolean {
    return [...this.found].every(([cell, value]) => Object.is(this.left.get(cell), value));
  }
}

function written({ kind, elem, a, b }: Op, old: unknown): unknown {
  if (kind === STORE || kind === PLAIN_WRITE) return a;
  if (kind === CAS) return old === a ? b : old;
  return kind === LOAD || kind === PLAIN_READ ? old : modified(kind, elem, old as never, a);
}

/** The nodes of the cycles by way of the new edge from `parent` to `same` in which a thread only spins. */
export function spinsOf(parent: Node, result: unknown, same: Node): Iterable<Node> {
  const ways = between(same, parent);
  if (ways.size === 0) return ways;
  const start = new Cells().after(parent.outcome.op as Op, result);
  const spins = new Set<Node>();
  const path = new Set<Node>();
  let steps = 0;
  const go = (node: Node, cells: Cells): void => {
    if (node === parent) {
      if (cells.repeats) for (const each of [...path, parent]) spins.add(each);
      return;
    }
    path.add(node);
    for (const [key, kid] of node.kids) {
      if (!ways.has(kid) || path.has(kid) || steps > MOST_STEPS) continue;
      steps++;
      const next = cells.after(node.outcome.op as Op, key);
      if (next !== undefined) go(kid, next);
    }
    path.delete(node);
  };
  if (start !== undefined) go(same, start);
  return steps > MOST_STEPS ? ways : spins;
}
