// Where the shipped code tells the checker what a thread remembers: scopes and checkpoints are patched into the copy that is
// searched. Scopes are put around functions that leave nothing behind but what they return, and what is named beside them;
// checkpoints at the head of the loops within them, with every variable of the function that is declared before the loop.
// Objects among these are no values: what changes in them is named here.
// Invariant: every patch fits exactly once; and the checker runs merged logs again, so what is missing is an error.
import { tellLive } from "./live.ts";
import { MisfitError } from "./misfit.ts";
import type { Sources } from "./sources.ts";

/** A loop that ends from within, or when what it waits for has come. */
const LOOP = /^ *for \((?:let (\w+) = [^;]+)?;[^;]*;\s*\) \{$/;

interface Loop {
  readonly file: string;
  /** The function, or method, whose loop it is. */
  readonly of: string;
  /** What changes in the objects that it uses. */
  readonly and?: string;
}

const LOOPS: readonly Loop[] = [
  { file: "region/word-lock.js", of: "lockSleeping" },
  { file: "region/fair-lock.js", of: "standInLine", and: "place.state" },
  { file: "region/wait-queue.js", of: "sleepNode" },
  { file: "locks/semaphore.js", of: "#acquireUsual", and: "this.remembered()" },
  { file: "locks/semaphore.js", of: "#acquireLooking", and: "wait.remembered(), this.remembered()" },
  { file: "locks/once.js", of: "#claimSleeping" },
  { file: "locks/barrier.js", of: "#waitOn", and: "...its.stateOf(arrival)" },
  { file: "locks/event.js", of: "wait" },
  { file: "locks/latch.js", of: "wait" },
  { file: "locks/rw-waiting.js", of: "readSleeping" },
  { file: "locks/rw-waiting.js", of: "drainSleeping" },
];

/** Functions that leave nothing behind but what they return; of some also what they change in their arguments. */
const SCOPES: Readonly<Record<string, readonly (string | readonly [name: string, also: string])[]>> = {
  "region/word-lock.js": [
    "lockBlocking",
    "lockSleeping",
    "sleepUsual",
    "lockSpinning",
    "acquireWord",
    "releaseWord",
    "payWakes",
    "payRelease",
    "ownerIsDead",
    "markWordConsistent",
  ],
  "region/fair-lock.js": [
    "stateOf",
    "standInLine",
    "before",
    "passOverTasks",
    "wakeNode",
    "wakeFirst",
    "wakeNext",
    "wakeLine",
    "fairStep",
    "quit",
    "lockFair",
  ],
  "region/sleep.js": ["sleepOn"],
  "region/sleeping.js": ["sleepAnnounced", "lookForDeadlock"],
  "region/threads.js": [
    "isAlive",
    "probe",
    "bury",
    "wakeAllSleepers",
    "isDue",
    "countPark",
    "announceSleep",
    "announceMove",
  ],
  "region/wait-queue.js": [
    "takeNode",
    "sleepNode",
    ...["chooseOldest", "settleChosen", "wakeChosen", "payChosen", "chooseAll"].map(
      (name) => [name, "its.owed"] as const,
    ),
    "passOn",
    "rescueSignals",
    "sleepMovable",
  ],
  "locks/semaphore-tables.js": [
    "acquireFastOf",
    "stepOf",
    "releaseOwned",
    ["queueStepOf", "(_place, { ticket, placed }) => [ticket, placed]"],
    ["leaveQueueOf", "(_place, { ticket, placed }) => [ticket, placed]"],
  ],
  "locks/semaphore.js": ["acquire", "tryAcquire", "release"].map(
    (name) => [`Semaphore.prototype.${name}`, "function () { return [this.remembered()]; }"] as const,
  ),
  "locks/once.js": ["Once.prototype.call"],
  "locks/event.js": ["wait", "set", "clear"].map((name) => `Event.prototype.${name}`),
  "locks/latch.js": ["wait", "countDown"].map((name) => `Latch.prototype.${name}`),
  "locks/barrier.js": ["Barrier.prototype.wait"],
  "locks/rw-waiting.js": [
    "payRwRelease",
    "readsHere",
    "gateIsMine",
    "claimHere",
    "gateNow",
    "repaired",
    "readSleeping",
    "drainSleeping",
    "gateBlocking",
    "readBlocking",
    "drainBlocking",
    "readLook",
    "giveBackDead",
    "recoverDeadWriter",
    "repairAfterDeath",
    "payRwWakes",
    "reopen",
    "releaseGate",
  ],
};

/** Objects that functions change, by file and variable: what changes in them. */
const OBJECTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "region/fair-lock.js": { place: "place.state" },
  "region/wait-queue.js": { locker: "...its.owed(locker)" },
};

/**
 * Modules that are compiled to WebAssembly as well: there is nowhere but in the memory where their functions could leave anything,
 * so each of them is a scope.
 */
const PROTOCOLS: readonly string[] = [
  "barrier",
  "condition",
  "event",
  "fair-line",
  "latch",
  "lock-wait",
  "mutex",
  "once",
  "reentrant-mutex",
  "rw-lock",
  "seat",
  "semaphore",
  "table-index",
  "table-read",
  "wait-nodes",
];

/** Classes that remember something, and what: it is private to them. */
const MEMORIES: readonly (readonly [file: string, head: string, remembers: string])[] = [
  ["region/spinning.js", "export class Patience {", "this.#mean, this.#rest"],
  ["locks/semaphore.js", "export class Semaphore extends LockObject {", "this.#patience.remembered()"],
  ["locks/semaphore-waits.js", "class Tarrying {", "this.#who, this.#since"],
  ["locks/semaphore-waits.js", "class BargingWait {", "this.#entered, this.#starving, this.#tarrying.remembered()"],
  ["locks/semaphore-waits.js", "class QueuedWait {", "this.ticket, this.placed, this.#tarrying.remembered()"],
];

/** Variables of modules: they belong to a thread, and outlive each function. */
const HIDDEN: readonly (readonly [file: string, variables: string])[] = [
  ["region/sleeping.js", "sleptOut"],
  ["region/deadlock.js", "lastLock, sliceMs"],
];

const MODULE = `import { checkpoint, scope } from "@testing/markers.js";
import { currentWorld } from "@testing/world.js";
const hidden = [];
export function hide(values) { hidden.push(values); }
const told = () => hidden.flatMap((values) => values());
const isPlain = (value) => (typeof value !== "object" || value === null) && typeof value !== "function";
export const listens = () => currentWorld()?.replayer.listens() === true;
export function atLoop(site, variables, also) { checkpoint(site, ...variables.filter(isPlain), ...also, ...told()); }
export function scoped(work, also) {
  return function (...args) {
    return scope(() => work.apply(this, args), () => [...(also === undefined ? [] : also.apply(this, args)), ...told()]);
  };
}
export const inScope = (work, also) => scope(work, () => [...also(), ...told()]);
export const owed = (locker) => locker.owedWakes ?? [];
export const stateOf = ({ index, generation, ended }) => [index, generation, ended];
let numbered = false;
export function numberHolds(yes) { numbered = yes; }
export function holdsAreNumbered() { return numbered; }
`;

/** Adds the checkpoints and scopes to the copy. */
export function tellLoops(sources: Sources): void {
  const testing = new URL("../../src/testing/", import.meta.url).href;
  sources.write("loops.js", MODULE.replaceAll("@testing/", testing));
  const added = new Map<string, string[]>();
  const add = (file: string, line: string): void => void added.set(file, [...(added.get(file) ?? []), line]);
  for (const loop of LOOPS) {
    sources.edit(loop.file, (text) => atHead(text, loop));
    add(loop.file, "");
  }
  sources.edit("locks/barrier.js", (text) => {
    const scoped = "const look = its.inScope(() => this.#look(arrival, ask), () => its.stateOf(arrival));";
    return once(text, "const look = this.#look(arrival, ask);", scoped);
  });
  for (const [file, head, remembers] of MEMORIES) {
    const method = `remembered() { return [${remembers}].join(); }`;
    sources.edit(file, (text) => once(text, head, `${head} ${method}`));
  }
  for (const [file, variables] of HIDDEN) add(file, `its.hide(() => [${variables}]);`);
  for (const name of PROTOCOLS) {
    const file = `protocols/${name}.js`;
    const names = functionsOver(sources.read(file));
    for (const each of names) add(file, `${each} = its.scoped(${each});`);
    tellLiveIn(sources, file, new Set(names));
  }
  for (const [file, names] of Object.entries(SCOPES)) {
    const chosen = new Set(names.map((name) => (typeof name === "string" ? name : name[0])));
    tellLiveIn(sources, file, chosen);
  }
  for (const [file, names] of Object.entries(SCOPES)) {
    for (const name of names) {
      if (typeof name === "string") add(file, `${name} = its.scoped(${name});`);
      else add(file, `${name[0]} = its.scoped(${name.join(", ")});`);
    }
  }
  for (const [file, lines] of added) {
    sources.edit(file, (text) => `import * as its from "../loops.js";\n${text}\n${lines.join("\n")}\n`);
  }
}

/** Modules with their checkpoints: most copies of the library differ in one of them only. */
const live = new Map<string, string>();

function tellLiveIn(sources: Sources, file: string, chosen: ReadonlySet<string>): void {
  sources.edit(file, (text) => {
    const key = `${file}\n${text}`;
    const known = live.get(key) ?? tellLive(text, (name) => chosen.has(name), OBJECTS[file]);
    live.set(key, known);
    return known;
  });
}

/** The functions of a module that get the shared words. */
function functionsOver(text: string): string[] {
  return [...text.matchAll(/^(?:export )?function (\w+)\(words\b/gm)].map(([, name]) => name);
}

/** The text with a checkpoint at the head of the function's loop. */
function atHead(text: string, { file, of, and = "" }: Loop): string {
  const lines = text.split("\n");
  const name = of.replace("#", "\\#");
  const head = new RegExp(`^( *)(?:export )?(?:function )?${name}\\(.*\\) \\{$`);
  const starts = lines.flatMap((line, at) => (head.test(line) ? [at] : []));
  if (starts.length !== 1) throw new MisfitError(`${file} has ${starts.length} functions ${of}, not one`);
  const [start] = starts;
  const end = lines.indexOf(`${head.exec(lines[start])?.[1] ?? ""}}`, start);
  const loops = lines.slice(start, end).flatMap((line, at) => (LOOP.test(line) ? [start + at] : []));
  if (loops.length !== 1) throw new MisfitError(`${of} in ${file} has ${loops.length} such loops, not one`);
  const [loop] = loops;
  const counter = LOOP.exec(lines[loop])?.[1];
  const variables = [...inSight(lines.slice(start, loop), lines[loop]), ...(counter === undefined ? [] : [counter])];
  lines[loop] += ` its.atLoop("${of}", [${variables.join(", ")}], [${and}]);`;
  return lines.join("\n");
}

/** The variables that `before`, the lines of a function up to its loop, declares where the loop sees them. */
function inSight(before: readonly string[], loop: string): string[] {
  const depth = (line: string): number => line.search(/\S/);
  const [head, ...body] = before;
  const names = (/\((.*)\)/.exec(head)?.[1] ?? "").split(",").map((name) => name.trim().split(" ")[0]);
  let nearest = depth(loop);
  for (const line of [...body].reverse()) {
    const at = depth(line);
    if (at < 0) continue;
    nearest = Math.min(nearest, at);
    const found = at === nearest ? /^ *(?:const|let) (?:(\w+)|\{([^}]*)\})/.exec(line) : null;
    if (found !== null) names.push(...(found[1] ?? found[2]).split(",").map((n) => n.trim().split(": ").at(-1) ?? ""));
  }
  return names.filter((name) => name !== "");
}

function once(text: string, find: string, replace: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new MisfitError(`the patch fits ${parts.length - 1} times, not once: ${find}`);
  return parts.join(replace);
}
