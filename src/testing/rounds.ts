// Loops that would repeat for ever, recognised in a thread's log.
//
// A thread that spins has infinitely many logs and only a few local states. When its last operations and results are
// two equal rounds, the body is asked what it would do if that round went on: if it still does the same after
// LOOKAHEAD operations, its local state counts as equal to that one round ago, and the log closes into a cycle. A
// bounded spin (20 loads, then sleep) answers differently and is explored as it is.
// Invariant: only a loop that the real body was seen to go round LOOKAHEAD times is taken as endless.
import { NOW, type Op, sameOp } from "./ops.ts";
import { type Delivery, type Effect, logOf, type Node, type Outcome, opsOf } from "./tree.ts";

const LOOKAHEAD = 1000;
/** A sleep of a lock with all that is looked at around it is 26 operations long. */
const LONGEST_ROUND = 64;

/** Length of the round that the newest operations repeat, or 0. */
export function roundOf(parent: Node, entry: unknown, outcome: Outcome): number {
  if (outcome.end !== undefined && outcome.op === undefined) return 0;
  const path: { op: Op | undefined; entry: unknown; effects: readonly Effect[] }[] = [
    { op: parent.outcome.op, entry, effects: outcome.effects },
  ];
  for (let n: Node = parent; n.parent !== undefined && path.length < 2 * LONGEST_ROUND; n = n.parent) {
    path.push({ op: n.parent.outcome.op, entry: n.entry, effects: n.outcome.effects });
  }
  for (let p = 1; p * 2 <= path.length; p++) {
    let same = true;
    for (let i = 0; i < p && same; i++) {
      const x = path[i];
      const y = path[i + p];
      same = sameOrNone(x.op, y.op) && sameEntry(x.entry, y.entry) && noTimers(x.effects) && noTimers(y.effects);
    }
    // Reading the clock again and again is a wait for time to pass, which the injected clock decides.
    if (same && path.slice(0, p).some((x) => x.op?.kind !== NOW)) return p;
  }
  return 0;
}

/** The log as it would be if its last `round` entries repeated for long. */
export function future(parent: Node, entry: unknown, round: number): { log: unknown[]; ops: (Op | undefined)[] } {
  const log = [...logOf(parent), entry];
  const ops = [...opsOf(parent), parent.outcome.op];
  const start = log.length - round;
  for (let i = 0; i < LOOKAHEAD; i++) {
    log.push(log[start + (i % round)]);
    ops.push(ops[start + (i % round)]);
  }
  return { log, ops };
}

/** After whole and part rounds the body must want the operation that the round has there. */
export function agree(later: Outcome, ops: readonly (Op | undefined)[], round: number): boolean {
  return later.end === undefined && sameOrNone(later.op, ops[ops.length - round]);
}

function sameEntry(x: unknown, y: unknown): boolean {
  if (Object.is(x, y)) return true;
  if (typeof x !== "object" || typeof y !== "object") return false;
  const [a, b] = [x as Delivery, y as Delivery];
  return a.token === b.token && a.value === b.value;
}

export function sameOrNone(x: Op | undefined, y: Op | undefined): boolean {
  return x === undefined || y === undefined ? x === y : sameOp(x, y);
}

const noTimers = (effects: readonly Effect[]): boolean =>
  effects.every((e) => e.type !== "timer" && e.type !== "clear");
