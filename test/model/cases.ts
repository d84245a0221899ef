// The cases of check:model: one for each model and one for each mutant, so that several processes can share them.
// Invariant: a case is named by text alone, and its outcome is plain data: both cross a process boundary.
import { explore } from "../../src/testing/explore.ts";
import { sharedLibrary } from "./library.ts";
import { type Model, needsOf } from "./model.ts";
import { protocols } from "./protocols.ts";
import { searchMutant } from "./search.ts";

export interface Case {
  readonly protocol: string;
  readonly kind: "model" | "mutant";
  readonly name: string;
  /** Replay this schedule only. */
  readonly replay?: string | undefined;
  /** Of a mutant: look for its shortest failing schedule. */
  readonly shortest?: boolean;
}

export interface Outcome {
  readonly threads: number;
  readonly crashes: number;
  readonly states: number;
  readonly transitions: number;
  readonly schedules: number;
  readonly seconds: number;
  /** The model passed, or the mutant was caught. */
  readonly ok: boolean;
  /** The model was meant to be searched whole, and was; or was never meant to be. */
  readonly exhaustive: boolean;
  /** What was covered, or how the mutant failed. */
  readonly extent: string;
  /** The failing schedule, printed. */
  readonly failure: string | undefined;
}

/** About how long a case takes, for longest first: the slow models, slowest first. The others need a few seconds at most. */
const SLOW: readonly string[] = [
  "rw: 1 reader, 2 writers, a death",
  "moved: 2 takers, and a giver that wakes all",
  "condition: 2 takers that may die, and a giver of 2",
  "condition: 2 takers that may die, and a giver of 2 that wakes all",
  "condition: 2 waiters, one with a time-out, and one is chosen",
  "fair, 3 threads × 1, a death",
  "queue: a large and a small value, a full queue",
  "3 threads × 2",
  "fair, 1 async and 2 sync",
  "rw: 2 readers, 1 writer, a death",
  "rw: a writer that gives up, 1 reader, 1 writer",
  "log: 1 writer × 2, 1 reader × 2",
  "queue: 2 consumers, one dies",
];

/** The outcome of a case that threw, or whose process was lost: it counts as failed. */
export function notRun(why: string, seconds: number): Outcome {
  return {
    threads: 0,
    crashes: 0,
    states: 0,
    transitions: 0,
    schedules: 0,
    seconds,
    ok: false,
    exhaustive: false,
    extent: "not searched",
    failure: why,
  };
}

export const isBounded = (model: Model): boolean =>
  model.options.mode !== undefined || model.options.preemptions !== undefined;

/** All cases that the words choose, longest first; `long`: those of the long form, and no others. */
export async function listCases(short: boolean, only?: string, mutant?: string, long = false): Promise<Case[]> {
  const cases: Case[] = [];
  const library = await sharedLibrary({});
  for (const protocol of protocols) {
    const chosen = (name: string): boolean => only === undefined || `${protocol.name} ${name}`.includes(only);
    const models = mutant !== undefined ? [] : protocol.models(library);
    for (const m of models) {
      if ((m.long === true) === long && (!short || m.short) && chosen(m.name))
        cases.push({ protocol: protocol.name, kind: "model", name: m.name });
    }
    if (only !== undefined || long) continue;
    for (const m of protocol.mutants) {
      if (mutant === undefined || m.name.includes(mutant)) {
        cases.push({ protocol: protocol.name, kind: "mutant", name: m.name });
      }
    }
  }
  const rank = ({ name }: Case): number => (SLOW.includes(name) ? SLOW.indexOf(name) : SLOW.length);
  return cases.sort((a, b) => rank(a) - rank(b));
}

export async function runCase(what: Case): Promise<Outcome> {
  return what.kind === "model" ? runModel(what) : runMutant(what);
}

async function runModel(what: Case): Promise<Outcome> {
  const protocol = protocolOf(what);
  const model = protocol.models(await sharedLibrary(needsOf(protocol))).find((m) => m.name === what.name);
  if (model === undefined) throw new Error(`no model is named "${what.name}"`);
  // On a busy machine a process may get no time for many seconds, which is no endless loop.
  const options = { watchdogMs: 120_000, ...model.options };
  const result = await explore({ ...options, ...(what.replay === undefined ? {} : { replay: what.replay }) });
  return {
    threads: options.threads.length,
    crashes: options.crashes ?? 0,
    states: result.states,
    transitions: result.transitions,
    schedules: result.schedules,
    seconds: result.seconds,
    ok: result.ok,
    exhaustive: isBounded(model) || result.exhaustive,
    extent: result.exhaustive ? "all" : `bounded: ${result.cut ?? "stopped at a failure"}`,
    failure: result.failure?.toString(),
  };
}

async function runMutant(what: Case): Promise<Outcome> {
  const protocol = protocolOf(what);
  const mutant = protocol.mutants.find((m) => m.name === what.name);
  if (mutant === undefined) throw new Error(`no mutant is named "${what.name}"`);
  const { caught, how, result } = await searchMutant(protocol, mutant, what.shortest === true);
  return {
    threads: 0,
    crashes: 0,
    states: result?.states ?? 0,
    transitions: result?.transitions ?? 0,
    schedules: result?.schedules ?? 0,
    seconds: result?.seconds ?? 0,
    ok: caught,
    exhaustive: true,
    extent: how,
    failure: result?.failure?.toString(),
  };
}

function protocolOf({ protocol }: Case): (typeof protocols)[number] {
  const found = protocols.find((p) => p.name === protocol);
  if (found === undefined) throw new Error(`no protocol is named "${protocol}"`);
  return found;
}
