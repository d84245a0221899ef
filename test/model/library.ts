// The compiled library, as the checker needs it: a copy in a temporary folder, so that a mutant is the shipped code with
// one patch, and so that module state which belongs to a thread can be put back before each run of a body.
// Invariant: every patch matches exactly once, so that a mutant which no longer fits the code is an error, not a pass.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { tellLoops } from "./loops.ts";
import { MisfitError } from "./misfit.ts";

export interface Patch {
  /** Compiled file, relative to dist/src. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Library {
  readonly mutex: typeof import("../../src/protocols/mutex.ts");
  readonly spin: typeof import("../../src/protocols/spin.ts");
  readonly lockWait: typeof import("../../src/protocols/lock-wait.ts");
  readonly wordLock: typeof import("../../src/region/word-lock.ts");
  readonly seat: typeof import("../../src/protocols/seat.ts");
  readonly condition: typeof import("../../src/protocols/condition.ts");
  readonly waitNodes: typeof import("../../src/protocols/wait-nodes.ts");
  readonly waitQueue: typeof import("../../src/region/wait-queue.ts");
  readonly threads: typeof import("../../src/region/threads.ts");
  readonly layout: typeof import("../../src/region/layout.ts");
  readonly park: typeof import("../../src/cells/park.ts");
  readonly asyncQueue: typeof import("../../src/locks/async-queue.ts");
  readonly fairLine: typeof import("../../src/protocols/fair-line.ts");
  readonly fairLock: typeof import("../../src/region/fair-lock.ts");
  readonly fairQueue: typeof import("../../src/locks/fair-queue.ts");
  readonly reentrant: typeof import("../../src/protocols/reentrant-mutex.ts");
  readonly rwLock: typeof import("../../src/protocols/rw-lock.ts");
  readonly rwSpin: typeof import("../../src/protocols/rw-spin.ts");
  readonly permits: typeof import("../../src/protocols/semaphore.ts");
  readonly stamped: typeof import("../../src/protocols/stamped.ts");
  readonly rwWaiting: typeof import("../../src/locks/rw-waiting.ts");
  readonly rwAwaiting: typeof import("../../src/locks/rw-awaiting.ts");
  readonly asyncWaiters: typeof import("../../src/locks/async-waiters.ts");
  readonly deadlock: typeof import("../../src/region/deadlock.ts");
  readonly sleep: typeof import("../../src/region/sleep.ts");
  readonly queueWakes: typeof import("../../src/tables/queue-wakes.ts");
  readonly log: typeof import("../../src/tables/log.ts");
  readonly shard: typeof import("../../src/tables/shard.ts");
  readonly clear: typeof import("../../src/tables/clear.ts");
  readonly walk: typeof import("../../src/tables/walk.ts");
  readonly check: typeof import("../../src/tables/check.ts");
  readonly image: typeof import("../../src/tables/image.ts");
  readonly tableRead: typeof import("../../src/protocols/table-read.ts");
  readonly tableHash: typeof import("../../src/protocols/table-hash.ts");
  readonly tableLayout: typeof import("../../src/protocols/table-layout.ts");
  readonly event: typeof import("../../src/locks/event.ts");
  readonly latch: typeof import("../../src/locks/latch.ts");
  readonly once: typeof import("../../src/locks/once.ts");
  readonly barrier: typeof import("../../src/locks/barrier.ts");
  readonly semaphore: typeof import("../../src/locks/semaphore.ts");
  readonly mutexClass: typeof import("../../src/locks/mutex.ts");
  readonly conditionClass: typeof import("../../src/locks/condition.ts");
  /** What a thread remembers beside the memory, in an object of the model. */
  readonly hide: (values: () => readonly number[]) => void;
  /** For a body: its holds are numbered, as are those of all others of its model. */
  readonly numberHolds: () => void;
  /** Puts back what park.ts keeps for its thread: in the model all threads share one module. */
  readonly reset: () => void;
}

const FOLDERS = ["cells", "protocols", "region", "locks", "assembly"];
const dist = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "src");

/** What of the library a protocol's models need. */
export interface Needs {
  /** Sleepers look for deadlocks. Default false. */
  readonly looks?: boolean | undefined;
  /** A thread that is asked whether it lives tells by a word of its probe cell: not 0 once it is gone. Default: none is asked. */
  readonly asks?: boolean | undefined;
  /** The modules of the tables are there, too. Default true. */
  readonly tables?: boolean | undefined;
}

/** Loads the library with the patches applied, calls `use` with it, and removes the copy. */
export async function withLibrary<T>(
  patches: readonly Patch[],
  use: (library: Library) => Promise<T>,
  needs: Needs = {},
): Promise<T> {
  return inCopy(patches, needs, use);
}

const shared = new Map<string, Promise<Library>>();

/** The library without a patch: loaded once in this process for the same needs. */
export function sharedLibrary(needs: Needs): Promise<Library> {
  const key = JSON.stringify([needs.looks, needs.asks, needs.tables]);
  const known = shared.get(key) ?? inCopy([], needs, async (library) => library);
  shared.set(key, known);
  return known;
}

async function inCopy<T>(
  patches: readonly Patch[],
  { looks = false, asks = false, tables = true }: Needs,
  use: (library: Library) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-model-"));
  try {
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const src = join(folder, "src");
    mkdirSync(src);
    for (const name of tables ? [...FOLDERS, "tables"] : FOLDERS) {
      cpSync(join(dist, name), join(src, name), { recursive: true, filter: (path) => !path.endsWith(".d.ts") });
    }
    for (const patch of patches) apply(src, patch);
    return await use(await load(src, looks, asks, tables));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Nobody arms probes in the model: that a thread lives or died is told by the registry alone. */
const NO_PROBES: Patch = {
  file: "region/threads.js",
  find: "function armProbes(words, at, tenancy, count) {",
  replace: "function armProbes(words, at, tenancy, count) { return;",
};

/** But where whoever is asked tells at once, without a wait that was armed for it (see `asks`). */
const ASKS: readonly Patch[] = [
  {
    file: "region/threads.js",
    find: `        const armed = load(words, at + T_PROBES);
        if (armed <= 0 || !(force || isDue(words, at, armed)))
            return false;
        if (cas(words, at + T_PROBES, armed, armed - 1) === armed)
            break;`,
    replace: "        break;",
  },
  {
    file: "region/threads.js",
    find: "if (wake(words, probeCell(at, tenancy), 1) > 0)",
    replace: "if (load(words, probeCell(at, tenancy)) === 0)",
  },
];

const NO_PROBES_LACK: Patch = {
  file: "protocols/seat.js",
  find: "return load(words, seatAt + T_PROBES) < PROBES_ARMED / 2;",
  replace: "return false;",
};

/** No worker of this process is one of the library's: each copy would listen to each of them. */
const NO_WORKERS: Patch = {
  file: "region/host.js",
  find: 'host.on("worker", (worker) => {',
  replace: '((_event, _listener) => undefined)("worker", (worker) => {',
};

/**
 * Nobody counts sleeps in the model: with the counts, a thread whose slices end again and again is in a new state each
 * time, and its wait for a thread that waits for a dead one looks endless.
 */
const NO_COUNTS: Patch = {
  file: "region/threads.js",
  find: "function countPark(words, seatAt, milliseconds) {",
  replace: "function countPark(words, seatAt, milliseconds) { return;",
};

/** Nor slow acquisitions: the count is looked at by nobody. */
const NO_SLOW: Patch = {
  file: "protocols/mutex.js",
  find: "poke(words, index + SLOW, peek(words, index + SLOW) + 1);",
  replace: "",
};

/** Holds are numbered only where a body asks for it: elsewhere nobody looks at the number, and it tells states apart. */
const ONE_TICKET: Patch = {
  file: "protocols/mutex.js",
  find: "export function nextTicket(words, index) {",
  replace: `export function nextTicket(words, index) {
    if (!its.holdsAreNumbered()) {
        peek(words, index + ISSUED);
        peek(words, index + HOLD);
        poke(words, index + HOLD, 1);
        return 1;
    }`,
};

/** Where the usual case of nextTicket is written out. */
const ONE_TICKET_INLINE: readonly Patch[] = ["protocols/mutex.js", "protocols/reentrant-mutex.js"].map((file) => ({
  file,
  find: "if (peek(words, index + ISSUED) !== 0)\n",
  replace: "if (!its.holdsAreNumbered() || peek(words, index + ISSUED) !== 0)\n",
}));

/** Nor looks for deadlocks (that changes no lock), for which sleeps are numbered and shorter at first. */
const NO_DEADLOCKS: readonly Patch[] = [
  {
    file: "protocols/seat.js",
    find: "function numberSleep(words, seatAt, how, argument) {",
    replace: "function numberSleep(words, seatAt, how, argument) { return;",
  },
  {
    file: "region/sleeping.js",
    find: "sliceBefore(lock, false);\n    sleptOut = true;\n    const stuck = isVictim(words, seat.me);",
    replace: "const stuck = false;",
  },
  {
    file: "protocols/lock-wait.js",
    find: "return load(words, seatAt + T_NUDGE) === load(words, seatAt + T_WAIT_SEQ);",
    replace: "return false;",
  },
  {
    file: "region/sleeping.js",
    find: "const waitsForThreads = how !== FOR_ANYTHING;",
    replace: "const waitsForThreads = false;",
  },
  {
    file: "region/sleeping.js",
    find: "sleptOut = ended === TIMED_OUT;",
    replace: "",
  },
];

/** Lock classes take a region of the model (place.ts), and write the first state of an object only when they make it. */
const ANY_REGION: Patch = {
  file: "locks/place.js",
  find: "if (!(options.region instanceof Region)) {",
  replace: "if (false) {",
};
const INIT_ONCE: Patch = {
  file: "locks/place.js",
  find: "what.init?.(region.memory.words,",
  replace: "if (region.fresh) what.init?.(region.memory.words,",
};

async function load(src: string, looks: boolean, asks: boolean, tables: boolean): Promise<Library> {
  apply(src, ANY_REGION);
  apply(src, INIT_ONCE);
  apply(src, NO_PROBES);
  apply(src, NO_PROBES_LACK);
  apply(src, NO_COUNTS);
  apply(src, NO_SLOW);
  apply(src, NO_WORKERS);
  apply(src, ONE_TICKET);
  for (const patch of ONE_TICKET_INLINE) apply(src, patch);
  if (asks) for (const patch of ASKS) apply(src, patch);
  if (!looks) for (const patch of NO_DEADLOCKS) apply(src, patch);
  tellLoops(src);
  const park = join(src, "cells", "park.js");
  const forget = "\nexport function resetForModel() { sliceListeners.clear(); sliceTimer = undefined; }\n";
  writeFileSync(park, readFileSync(park, "utf8") + forget);
  const module = async (file: string): Promise<never> => (await import(pathToFileURL(join(src, file)).href)) as never;
  const table = async (file: string): Promise<never> => (tables ? module(`tables/${file}`) : (undefined as never));
  const library = {
    mutex: await module("protocols/mutex.js"),
    spin: await module("protocols/spin.js"),
    lockWait: await module("protocols/lock-wait.js"),
    wordLock: await module("region/word-lock.js"),
    seat: await module("protocols/seat.js"),
    condition: await module("protocols/condition.js"),
    waitNodes: await module("protocols/wait-nodes.js"),
    waitQueue: await module("region/wait-queue.js"),
    threads: await module("region/threads.js"),
    layout: await module("region/layout.js"),
    park: await module("cells/park.js"),
    asyncQueue: await module("locks/async-queue.js"),
    fairLine: await module("protocols/fair-line.js"),
    fairLock: await module("region/fair-lock.js"),
    fairQueue: await module("locks/fair-queue.js"),
    reentrant: await module("protocols/reentrant-mutex.js"),
    rwLock: await module("protocols/rw-lock.js"),
    rwSpin: await module("protocols/rw-spin.js"),
    permits: await module("protocols/semaphore.js"),
    stamped: await module("protocols/stamped.js"),
    rwWaiting: await module("locks/rw-waiting.js"),
    rwAwaiting: await module("locks/rw-awaiting.js"),
    asyncWaiters: await module("locks/async-waiters.js"),
    deadlock: await module("region/deadlock.js"),
    sleep: await module("region/sleep.js"),
    queueWakes: await table("queue-wakes.js"),
    log: await table("log.js"),
    shard: await table("shard.js"),
    clear: await table("clear.js"),
    walk: await table("walk.js"),
    check: await table("check.js"),
    image: await table("image.js"),
    tableRead: await module("protocols/table-read.js"),
    tableHash: await module("protocols/table-hash.js"),
    tableLayout: await module("protocols/table-layout.js"),
    event: await module("locks/event.js"),
    latch: await module("locks/latch.js"),
    once: await module("locks/once.js"),
    barrier: await module("locks/barrier.js"),
    semaphore: await module("locks/semaphore.js"),
    mutexClass: await module("locks/mutex.js"),
    conditionClass: await module("locks/condition.js"),
  } as Omit<Library, "reset" | "numberHolds" | "hide">;
  const { numberHolds, hide } = (await module("loops.js")) as Pick<Library, "hide"> & {
    numberHolds: (yes: boolean) => void;
  };
  // Asks the real Atomics once: a body must not.
  library.park.blockingAllowed();
  const { resetForModel } = library.park as unknown as { resetForModel: () => void };
  const reset = (): void => {
    resetForModel();
    numberHolds(false);
  };
  return { ...library, hide, numberHolds: () => numberHolds(true), reset };
}

function apply(src: string, patch: Patch): void {
  const path = join(src, patch.file);
  const text = readFileSync(path, "utf8");
  const parts = text.split(patch.find);
  if (parts.length !== 2) {
    throw new MisfitError(`the patch of ${patch.file} fits ${parts.length - 1} times, not once: ${patch.find}`);
  }
  writeFileSync(path, parts.join(patch.replace));
}
