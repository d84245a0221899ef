// Stateful depth-first search with sleep sets (Godefroid 1996, fig. 5.2) and, on request, a preemption bound.
//
// A sleep set holds threads whose next operation need not be tried here: it was tried in a state before, and what has
// happened since commutes with it. A state seen before is entered again only for threads that slept at every earlier
// visit and are awake now. Sleep sets drop transitions, never states.
// A step that is free (accesses.ts) is tried alone: that drops states too, though no outcome of any run.
// Under a preemption bound reductions would drop runs within the bound; there, only plain steps are not chosen.
// Invariant: slot d of the stack holds the state after d choices, and `made[0 .. d-1]` are those choices.

import { actorOf, CRASH, choice, DO, kindOf } from "./choices.ts";
import type { Judge, Verdict } from "./judge.ts";
import type { Machine } from "./machine.ts";
import { independent, isWrite, NOTIFY, type Op } from "./ops.ts";
import { Visited } from "./visited.ts";

export interface Found extends Verdict {
  readonly schedule: readonly number[];
}

export interface Counts {
  states: number;
  transitions: number;
  /** Complete runs: paths of the search that ended with every thread at rest. */
  schedules: number;
  depth: number;
}

/** Beside the sleep set of a state seen: nothing but deaths can happen in it. */
const AT_REST = 1 << 31;

class Frame {
  vec: Int32Array;
  choices: Int32Array;
  count = 0;
  next = 0;
  sleep = 0;
  /** Bit set of the threads whose next operation may be tried; -1: everything. */
  only = -1;
  narrowed = false;
  /** Steps made after the last choice, without another one. */
  readonly forced: number[] = [];

  constructor(width: number, room: number) {
    this.vec = new Int32Array(width);
    this.choices = new Int32Array(room);
  }
}

export class Search {
  readonly counts: Counts = { states: 0, transitions: 0, schedules: 0, depth: 0 };
  found: Found | undefined;
  private readonly machine: Machine;
  private readonly judge: Judge;
  private readonly budget: number;
  private readonly bounded: boolean;
  private readonly visited = new Visited(16);
  private readonly frames: Frame[] = [];
  private depth = -1;
  private verdict: Verdict | undefined;

  constructor(machine: Machine, judge: Judge, budget: number) {
    this.machine = machine;
    this.judge = judge;
    this.budget = budget;
    this.bounded = machine.rules.preemptions !== Number.POSITIVE_INFINITY;
    this.frame(0).vec.set(machine.initial());
    this.arrive(0, 0);
  }

  /** Goes on for at most `most` transitions. "more" asks to be called again. */
  run(most: number): "more" | "done" | "failed" | "cut" {
    const stop = this.counts.transitions + most;
    while (this.found === undefined) {
      if (this.depth < 0) {
        this.machine.accesses.conclude();
        return "done";
      }
      if (this.counts.states >= this.budget) return "cut";
      if (this.counts.transitions >= stop) return "more";
      const frame = this.frames[this.depth];
      if (frame.next === frame.count) this.depth--;
      else this.advance(frame);
    }
    return "failed";
  }

  private advance(frame: Frame): void {
    const c = frame.choices[frame.next];
    const bit = this.sleepBit(frame, c);
    if (bit !== 0 && ((frame.sleep & bit) !== 0 || (frame.only & bit) === 0)) {
      frame.next++;
      return;
    }
    if (bit === 0 && frame.only !== -1) {
      frame.next++;
      return;
    }
    const child = this.frame(this.depth + 1);
    child.vec.set(frame.vec);
    if (this.bounded && !this.machine.spend(frame.vec, child.vec, c, frame.narrowed)) {
      frame.next++;
      return;
    }
    this.machine.step(child.vec, c);
    if (!this.hurry(frame, child.vec)) {
      this.found = { ...(this.verdict as Verdict), schedule: [...this.path(this.depth), c, ...frame.forced] };
      return;
    }
    this.machine.accesses.settle();
    frame.next++;
    this.counts.transitions++;
    const sleep = this.bounded ? 0 : this.asleep(frame, c);
    frame.sleep |= bit;
    this.arrive(this.depth + 1, sleep);
  }

  /**
   * Makes the steps that need no choice and between which nobody's death makes a difference: none of the states between
   * needs to be remembered. False if one of them is faulty.
   */
  private hurry(frame: Frame, vec: Int32Array): boolean {
    const { machine, judge } = this;
    frame.forced.length = 0;
    while (machine.slip === undefined) {
      const t = machine.forced(vec, this.bounded);
      if (t < 0) break;
      this.verdict = judge.judge(vec, 1, false);
      if (this.verdict !== undefined) return false;
      machine.step(vec, choice(DO, t));
      frame.forced.push(choice(DO, t));
      this.counts.transitions++;
    }
    return true;
  }

  /** Judges a state when it is new, and pushes it if there is anything to try from it. */
  private arrive(depth: number, sleep: number): void {
    const { machine, visited, counts } = this;
    const frame = this.frame(depth);
    const at = visited.locate(frame.vec, machine.width);
    const fresh = visited.fresh;
    const slip = machine.slip !== undefined;
    let only = -1;
    let rest = sleep;
    if (!fresh) {
      const before = visited.value(at);
      only = before & ~sleep & ~AT_REST;
      rest = before & sleep;
      if (before < 0) counts.schedules++;
      if (only === 0 && !slip) return;
    }
    const { count, progress, sliced } = machine.choices(frame.vec, frame.choices);
    visited.put(at, progress === 0 ? rest | AT_REST : rest);
    if (fresh || slip) {
      counts.states = visited.size;
      if (depth > counts.depth) counts.depth = depth;
      if (progress === 0) counts.schedules++;
      const verdict = this.judge.judge(frame.vec, progress, sliced);
      if (verdict !== undefined) {
        this.found = { ...verdict, schedule: this.path(depth) };
        return;
      }
    }
    frame.count = machine.narrow(frame.vec, frame.choices, count, this.bounded);
    frame.narrowed = machine.narrowed;
    frame.next = 0;
    frame.sleep = rest;
    frame.only = only;
    this.depth = depth;
  }

  private path(depth: number): number[] {
    const made: number[] = [];
    for (let d = 0; d < depth; d++) {
      const { choices, next, forced } = this.frames[d];
      made.push(choices[next - 1], ...forced);
    }
    return made;
  }

  private frame(depth: number): Frame {
    while (this.frames.length <= depth) {
      this.frames.push(new Frame(this.machine.width, this.machine.mostChoices));
    }
    return this.frames[depth];
  }

  /** Operations sleep as bit t; deaths of running threads, which touch nothing, as bit t + 15. */
  private sleepBit(frame: Frame, c: number): number {
    if (this.bounded) return 0;
    const t = actorOf(c);
    if (kindOf(c) === DO) return 1 << t;
    const { machine } = this;
    const alone =
      kindOf(c) === CRASH && machine.pending(frame.vec, t) !== undefined && !machine.queue.has(frame.vec, t);
    return alone ? 1 << (t + 15) : 0;
  }

  /** Who of those tried already, or asleep, stays asleep after choice `c`. */
  private asleep(frame: Frame, c: number): number {
    if (frame.sleep === 0) return 0;
    const { machine } = this;
    const t = actorOf(c);
    const kind = kindOf(c);
    const op = machine.pending(frame.vec, t);
    if (op === undefined || (kind !== DO && kind !== CRASH)) return 0;
    let left = 0;
    for (let u = 0; u < machine.rules.threads; u++) {
      if (u === t) continue;
      const other = machine.pending(frame.vec, u);
      if (other === undefined) continue;
      if ((frame.sleep >> u) & 1 && (kind === CRASH || this.commute(frame.vec, t, op, u, other))) left |= 1 << u;
      // A death spends the budget of deaths: two of them do not commute.
      if ((frame.sleep >> (u + 15)) & 1 && kind === DO) left |= 1 << (u + 15);
    }
    return left;
  }

  private commute(vec: Int32Array, t: number, x: Op, u: number, y: Op): boolean {
    if (!independent(x, y)) return false;
    // Two wakes may settle promises of one event loop, which takes them in order.
    if (x.kind === NOTIFY && y.kind === NOTIFY) return false;
    // Any write may spoil an optimistic section of the other thread, which its next operation may end.
    const { machine } = this;
    const open = machine.node(vec, t).optimistic !== undefined || machine.node(vec, u).optimistic !== undefined;
    return !open || (!isWrite(x) && !isWrite(y));
  }
}
