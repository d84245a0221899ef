// Breadth-first search: finds the shortest failing schedule, without reduction; or the whole graph for liveness.
//
// A cycle of the graph is a run that never ends. It is a fault if some fair scheduler allows it: every thread that
// can run in all states of the cycle does run in it (weak fairness). It suffices to look at maximal strongly connected
// components: what makes one unfair makes all its parts unfair.
//
// For liveness a free step (accesses.ts) is tried alone. A fair run makes it at some time, it commutes with all that the
// others do before, and made at once it leaves the same steps on the cycle: no fair cycle is lost. Under a bound on
// preemptions there is no reduction, and a cycle counts only if no thread is kept out of it by the bound.
// Invariant: state i was first reached from state `parent[i]` by `made[i]`, over a shortest path.
import { actorOf, HOOK, kindOf } from "./choices.ts";
import type { Judge } from "./judge.ts";
import type { Machine } from "./machine.ts";
import type { Found } from "./search.ts";
import { Visited } from "./visited.ts";

class Ints {
  data = new Int32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.data.length) {
      const wider = new Int32Array(this.length * 2);
      wider.set(this.data);
      this.data = wider;
    }
    this.data[this.length++] = value;
  }
}

export class Breadth {
  found: Found | undefined;
  transitions = 0;
  private readonly machine: Machine;
  private readonly judge: Judge;
  private readonly budget: number;
  private readonly liveness: boolean;
  private readonly visited = new Visited(14);
  private readonly parent = new Ints();
  private readonly made = new Ints();
  /** Threads that can run in a state; those with a crash hook due, from bit 15. */
  private readonly able = new Ints();
  private readonly edgeFrom = new Ints();
  private readonly edgeTo = new Ints();
  private readonly edgeBy = new Ints();
  private level: Int32Array[] = [];
  private coming: Int32Array[] = [];
  private first = 0;
  private at = 0;
  private tried = 0;
  private readonly scratch: Int32Array;
  private readonly choices: Int32Array;
  private spare: Int32Array;
  /** Vectors of states that are done with. */
  private readonly used: Int32Array[] = [];
  private readonly bounded: boolean;
  private count = 0;
  private narrowed = false;

  constructor(machine: Machine, judge: Judge, budget: number, liveness: boolean) {
    this.machine = machine;
    this.judge = judge;
    this.budget = budget;
    this.liveness = liveness;
    this.bounded = liveness && machine.rules.preemptions !== Number.POSITIVE_INFINITY;
    const room = machine.mostChoices;
    this.choices = new Int32Array(room);
    this.scratch = new Int32Array(room);
    this.spare = new Int32Array(machine.width);
    const start = machine.initial();
    this.visited.locate(start, machine.width);
    this.arrive(start, -1, 0);
    this.level = this.coming;
    this.coming = [];
  }

  get states(): number {
    return this.parent.length;
  }

  run(most: number): "more" | "done" | "failed" | "cut" {
    const stop = this.transitions + most;
    while (this.found === undefined) {
      if (this.at === this.level.length) {
        if (this.coming.length === 0) break;
        this.first += this.level.length;
        this.level = this.coming;
        this.coming = [];
        this.at = 0;
        this.tried = 0;
      }
      if (this.states >= this.budget) return "cut";
      if (this.transitions >= stop) return "more";
      this.expand(this.level[this.at], this.first + this.at);
      this.used.push(this.level[this.at]);
      this.at++;
      this.tried = 0;
    }
    if (this.liveness) this.machine.accesses.conclude();
    if (this.found === undefined && this.liveness) this.found = this.livelock();
    return this.found === undefined ? "done" : "failed";
  }

  /** `tried` survives a replay that has to be waited for: the choices before it are not made twice. */
  private expand(vec: Int32Array, id: number): void {
    const { machine, visited } = this;
    if (this.tried === 0) {
      this.count = machine.choices(vec, this.choices).count;
      this.narrowed = false;
      if (this.liveness) {
        this.count = machine.narrow(vec, this.choices, this.count, this.bounded);
        this.narrowed = machine.narrowed;
      }
    }
    for (; this.tried < this.count && this.found === undefined; this.tried++) {
      const c = this.choices[this.tried];
      const next = this.spare;
      next.set(vec);
      if (this.bounded && !machine.spend(vec, next, c, this.narrowed)) continue;
      machine.step(next, c);
      if (this.liveness) machine.accesses.settle();
      this.transitions++;
      const slot = visited.locate(next, machine.width);
      let to = visited.value(slot);
      if (visited.fresh) {
        to = this.states;
        visited.put(slot, to);
        this.spare = this.used.pop() ?? new Int32Array(machine.width);
        this.arrive(next, id, c);
      } else if (machine.slip !== undefined) {
        this.judgeState(next, 1, false, [...this.scheduleOf(id), c]);
      }
      if (this.liveness) {
        this.edgeFrom.push(id);
        this.edgeTo.push(to);
        this.edgeBy.push(actorOf(c) + (kindOf(c) === HOOK ? 15 : 0));
      }
    }
  }

  private arrive(vec: Int32Array, from: number, c: number): void {
    const { machine } = this;
    this.parent.push(from);
    this.made.push(c);
    this.coming.push(vec);
    const { progress, sliced } = machine.choices(vec, this.scratch);
    let able = 0;
    for (let i = 0; i < progress; i++) {
      able |= 1 << (actorOf(this.scratch[i]) + (kindOf(this.scratch[i]) === HOOK ? 15 : 0));
    }
    this.able.push(able);
    this.judgeState(vec, progress, sliced, undefined);
  }

  private judgeState(vec: Int32Array, progress: number, sliced: boolean, schedule: number[] | undefined): void {
    // The search that came before has judged every state.
    if (this.liveness) return;
    const verdict = this.judge.judge(vec, progress, sliced);
    if (verdict !== undefined) {
      this.found = { ...verdict, schedule: schedule ?? this.scheduleOf(this.states - 1) };
    }
  }

  private scheduleOf(id: number): number[] {
    const schedule: number[] = [];
    for (let i = id; this.parent.data[i] >= 0; i = this.parent.data[i]) schedule.push(this.made.data[i]);
    return schedule.reverse();
  }

  private livelock(): Found | undefined {
    const component = components(this.states, this.edgeFrom, this.edgeTo);
    const always = new Map<number, number>();
    const moved = new Map<number, number>();
    for (let e = 0; e < this.edgeFrom.length; e++) {
      const c = component[this.edgeFrom.data[e]];
      if (c === component[this.edgeTo.data[e]]) moved.set(c, (moved.get(c) ?? 0) | (1 << this.edgeBy.data[e]));
    }
    const entry = new Map<number, number>();
    for (let i = 0; i < this.states; i++) {
      const c = component[i];
      if (!moved.has(c)) continue;
      always.set(c, (always.get(c) ?? -1) & this.able.data[i]);
      if (!entry.has(c)) entry.set(c, i);
    }
    // Entries are in order of distance, so the first fair component is the nearest.
    for (const [c, i] of entry) {
      const runs = moved.get(c) as number;
      if (((always.get(c) as number) & ~runs) === 0) return this.describeCycle(i, c, component, runs);
    }
    return undefined;
  }

  private describeCycle(entry: number, c: number, component: Int32Array, runs: number): Found {
    const round: string[] = [];
    let state = entry;
    for (let i = 0; i < 12; i++) {
      let next = -1;
      for (let e = 0; e < this.edgeFrom.length; e++) {
        if (this.edgeFrom.data[e] !== state || component[this.edgeTo.data[e]] !== c) continue;
        next = this.edgeTo.data[e];
        round.push(String(this.edgeBy.data[e]));
        break;
      }
      if (next < 0 || next === entry) break;
      state = next;
    }
    const names = [];
    for (let t = 0; t < this.machine.rules.threads; t++) if ((runs >> t) & 1) names.push(`thread ${t}`);
    return {
      kind: "livelock",
      message: `${names.join(" and ")} can go on for ever without getting anywhere, e.g. ${round.join(" ")} repeated`,
      schedule: this.scheduleOf(entry),
    };
  }
}

/** Tarjan's strongly connected components, without recursion. Returns the component of each state. */
function components(states: number, from: Ints, to: Ints): Int32Array {
  const start = new Int32Array(states + 1);
  for (let e = 0; e < from.length; e++) start[from.data[e] + 1]++;
  for (let i = 0; i < states; i++) start[i + 1] += start[i];
  const targets = new Int32Array(from.length);
  const fill = start.slice();
  for (let e = 0; e < from.length; e++) targets[fill[from.data[e]]++] = to.data[e];

  const component = new Int32Array(states).fill(-1);
  const order = new Int32Array(states);
  const low = new Int32Array(states);
  const next = start.slice(0, states);
  const open: number[] = [];
  const path: number[] = [];
  let clock = 0;
  for (let root = 0; root < states; root++) {
    if (order[root] !== 0) continue;
    path.push(root);
    while (path.length > 0) {
      const v = path[path.length - 1];
      if (order[v] === 0) {
        order[v] = low[v] = ++clock;
        open.push(v);
      }
      if (next[v] < start[v + 1]) {
        const w = targets[next[v]++];
        if (order[w] === 0) path.push(w);
        else if (component[w] < 0) low[v] = Math.min(low[v], order[w]);
        continue;
      }
      path.pop();
      if (path.length > 0) {
        const u = path[path.length - 1];
        low[u] = Math.min(low[u], low[v]);
      }
      if (low[v] !== order[v]) continue;
      for (let w = -1; w !== v; ) {
        w = open.pop() as number;
        component[w] = v;
      }
    }
  }
  return component;
}
