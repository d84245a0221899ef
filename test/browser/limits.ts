// What a browser can't show, and why: test files by the beginning of their path, single tests by their title. Whoever runs
// tests in Chromium announces each of them as skipped, with its reason.

const PROCESSES = "starts processes, reads files or serves HTTP: Node's work";
const TOOLS = "is about the repository or the runner, not about the library in a thread";
const NATIVE = "is about the native part, which is a Node addon";
const PROFILE = "records a profile, which a browser's program can't (docs/runtimes.md)";
const ORACLE = "compares with node:crypto";
const BLOCKED = "a browser ends no worker while its parent blocks (docs/runtimes.md)";
const NAMES = "a browser has no default region that its workers share (docs/runtimes.md)";
const HEAP = "a browser does not tell a thread how large its heap is";

/** They drive pages of Chromium by themselves, from Node. */
const PAGES: readonly string[] = [
  "browser/chromium.test",
  "examples/chat/page.test",
  "examples/pipeline/page.test",
  "profile/watch-page.test",
];

/** The first that fits counts. */
const FILES: readonly (readonly [path: string, reason: string])[] = [
  ["assembly/", TOOLS],
  ["benchmarks/", TOOLS],
  ["browser/", TOOLS],
  ["cells/native", NATIVE],
  ["examples/", PROCESSES],
  ["locks/mutex-process", PROCESSES],
  ["locks/no-wait-async", PROCESSES],
  ["model/", TOOLS],
  ["profile/cli", PROCESSES],
  ["profile/profile", PROFILE],
  ["profile/render/page", PROCESSES],
  ["profile/render/pprof", PROCESSES],
  ["profile/render/terminal", "compares with node:util"],
  ["profile/watch", PROCESSES],
  ["region/default-region", NAMES],
  ["region/dropped-view", "collects garbage by order"],
  ["region/native", NATIVE],
  ["soak/locks", "a soak's program, which parses Node's arguments and sets its flags"],
  ["soak/tables", "a soak's program, which parses Node's arguments and sets its flags"],
  ["soak/threads", "watches the memory of the process"],
  ["support/imports", TOOLS],
  ["support/runtime-limits", TOOLS],
  ["systems/atomic-write-files", PROCESSES],
  ["systems/conversation-id", ORACLE],
  ["systems/phone-lookup", PROCESSES],
  ["systems/sha1", ORACLE],
  ["systems/threads", PROCESSES],
  ["testing/async-watchdog", "stops a body by Node's inspector"],
  ["testing/race", "race() starts threads of node:worker_threads"],
];

/** Of tests in files that are run. */
const TESTS: readonly (readonly [title: RegExp, reason: string])[] = [
  [/^a thread that dies.*: the main thread, blocked in lock\(\), is told/, BLOCKED],
  [/^RwLock between threads: a thread that dies by exit with a hold/, BLOCKED],
  [/^Semaphore and death.*: it works while the main thread itself sleeps for permits/, BLOCKED],
  [/^TestConvenienceFunctions: .*the same store in another thread/, NAMES],
  [/pairs move the heap by less than/, HEAP],
  [/^linearizability: real workers/, "race() starts threads of node:worker_threads"],
  [
    /^bodies that can't be checked: (the real time, by process|shared memory written past)/,
    "uses Node's own functions",
  ],
  [
    /^bodies that can't be checked: (a counter outside|a flag|a list that|an async body that|.*for ever)/,
    "needs Node's inspector or vm",
  ],
];

/** Whether a file, `browser/chromium.test.js`, brings its pages itself, and so runs in Node. */
export function drivesPages(path: string): boolean {
  return PAGES.some((start) => path.startsWith(start));
}

/** Why a file, `locks/mutex.test.js`, is not run; undefined if it is. */
export function reasonForFile(path: string): string | undefined {
  return path.includes("/") ? FILES.find(([start]) => path.startsWith(start))?.[1] : TOOLS;
}

/** Why a test is not run; undefined if it is. */
export function reasonForTest(title: string): string | undefined {
  return TESTS.find(([pattern]) => pattern.test(title))?.[1];
}
