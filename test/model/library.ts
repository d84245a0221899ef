// The compiled library, as the checker needs it: a copy, so that a mutant is the shipped code with one patch, and so that
// module state which belongs to a thread can be put back before each run of a body.
// Invariant: a copy shares no module with another one, or with the library that the process itself uses.
import { tellLoops } from "./loops.ts";
import { type Patch, Sources } from "./sources.ts";

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
  readonly allocator: typeof import("../../src/region/allocator.ts");
  readonly orphans: typeof import("../../src/region/orphans.ts");
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

/** The modules of a {@link Library}, by its names for them. */
const MODULES = {
  mutex: "protocols/mutex.js",
  spin: "protocols/spin.js",
  lockWait: "protocols/lock-wait.js",
  wordLock: "region/word-lock.js",
  seat: "protocols/seat.js",
  condition: "protocols/condition.js",
  waitNodes: "protocols/wait-nodes.js",
  waitQueue: "region/wait-queue.js",
  threads: "region/threads.js",
  allocator: "region/allocator.js",
  orphans: "region/orphans.js",
  layout: "region/layout.js",
  park: "cells/park.js",
  asyncQueue: "locks/async-queue.js",
  fairLine: "protocols/fair-line.js",
  fairLock: "region/fair-lock.js",
  fairQueue: "locks/fair-queue.js",
  reentrant: "protocols/reentrant-mutex.js",
  rwLock: "protocols/rw-lock.js",
  rwSpin: "protocols/rw-spin.js",
  permits: "protocols/semaphore.js",
  stamped: "protocols/stamped.js",
  rwWaiting: "locks/rw-waiting.js",
  rwAwaiting: "locks/rw-awaiting.js",
  asyncWaiters: "locks/async-waiters.js",
  deadlock: "region/deadlock.js",
  sleep: "region/sleep.js",
  tableRead: "protocols/table-read.js",
  tableHash: "protocols/table-hash.js",
  tableLayout: "protocols/table-layout.js",
  event: "locks/event.js",
  latch: "locks/latch.js",
  once: "locks/once.js",
  barrier: "locks/barrier.js",
  semaphore: "locks/semaphore.js",
  mutexClass: "locks/mutex.js",
  conditionClass: "locks/condition.js",
} as const satisfies Partial<Record<keyof Library, string>>;

const TABLES = {
  queueWakes: "tables/queue-wakes.js",
  log: "tables/log.js",
  shard: "tables/shard.js",
  clear: "tables/clear.js",
  walk: "tables/walk.js",
  check: "tables/check.js",
  image: "tables/image.js",
} as const satisfies Partial<Record<keyof Library, string>>;

/** What of the library a protocol's models need. */
export interface Needs {
  /** Sleepers look for deadlocks. Default false. */
  readonly looks?: boolean | undefined;
  /** A thread that is asked whether it lives tells by a word of its probe cell: not 0 once it is gone. Default: none is asked. */
  readonly asks?: boolean | undefined;
  /** The modules of the tables are there, too. Default true. */
  readonly tables?: boolean | undefined;
}

/** Loads the library with the patches applied. */
export async function loadLibrary(patches: readonly Patch[], needs: Needs = {}): Promise<Library> {
  const sources = new Sources();
  for (const patch of patches) sources.apply(patch);
  return load(sources, needs);
}

const shared = new Map<string, Promise<Library>>();

/** The library without a patch: loaded once in this process for the same needs. */
export function sharedLibrary(needs: Needs): Promise<Library> {
  const key = JSON.stringify([needs.looks, needs.asks, needs.tables]);
  const known = shared.get(key) ?? loadLibrary([], needs);
  shared.set(key, known);
  return known;
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

async function load(sources: Sources, { looks = false, asks = false, tables = true }: Needs): Promise<Library> {
  const always = [ANY_REGION, INIT_ONCE, NO_PROBES, NO_PROBES_LACK, NO_COUNTS, NO_SLOW, NO_WORKERS, ONE_TICKET];
  const byNeeds = [...(asks ? ASKS : []), ...(looks ? [] : NO_DEADLOCKS)];
  for (const patch of [...always, ...ONE_TICKET_INLINE, ...byNeeds]) sources.apply(patch);
  tellLoops(sources);
  const forget = "\nexport function resetForModel() { sliceListeners.clear(); sliceTimer = undefined; }\n";
  sources.edit("cells/park.js", (text) => text + forget);
  const { loops, ...modules } = await sources.load({ ...MODULES, ...(tables && TABLES), loops: "loops.js" });
  const library = modules as unknown as Omit<Library, "reset" | "numberHolds" | "hide">;
  const { numberHolds, hide } = loops as Pick<Library, "hide"> & { numberHolds: (yes: boolean) => void };
  // Asks the real Atomics once: a body must not.
  library.park.blockingAllowed();
  const { resetForModel } = library.park as unknown as { resetForModel: () => void };
  const reset = (): void => {
    resetForModel();
    numberHolds(false);
  };
  return { ...library, hide, numberHolds: () => numberHolds(true), reset };
}
