// What the other runtimes can't run of the suite, and why: the one table of it. A file that is named here is not started
// on that runtime, and a test that is named here (by a part of its name; its file uses support/suite.ts) is left out, and both
// are told with their reason. `npm run test:runtimes -- --check-skips` runs just these, and names each that passes.
//
// Invariant: `npm test` leaves nothing out, and docs/runtimes.md gives each reason (a test compares).

export type RuntimeKind = "node" | "bun" | "deno";

export interface Limit {
  /** Where it holds; "node" means Node's later versions, run by `npm run test:runtimes`. */
  readonly on: readonly RuntimeKind[];
  /** A file from the root, or a folder: all files in it. */
  readonly file: string;
  /** Part of the names of the tests; the whole file without it. */
  readonly title?: string;
  readonly reason: string;
  /** It might pass, and would say nothing about the runtime: --check-skips leaves it out. */
  readonly unsuited?: true;
}

const page = "it needs Chromium and tells nothing of the runtime that serves the page: the run of Chromium has it";
const own = "it is about this repository: its documents, package, benchmarks and the runner of its tests";
const search = "a search of protocols in one thread, in plain JavaScript: minutes, and the same everywhere";
const nodeProgram = "it starts Node with flags of Node's, or reads what only Node tells of itself";
const nodeOnly = "the command line of the profiler, its watch page and the native part are for Node";
const example = "an example application for Node";
const interrupt = "`terminate()` does not end a thread that blocks or computes, on Deno";

const inspector =
  "it needs Node's inspector or `vm`, to see variables outside the memory or to end a body that computes for ever";

const others: readonly RuntimeKind[] = ["bun", "deno"];

export const limits: readonly Limit[] = [
  { on: ["node", "bun", "deno"], file: "test/browser/", reason: page, unsuited: true },
  { on: ["node", "bun", "deno"], file: "test/examples/chat/page.test.ts", reason: page, unsuited: true },
  { on: ["node", "bun", "deno"], file: "test/examples/pipeline/page.test.ts", reason: page, unsuited: true },
  { on: ["node", "bun", "deno"], file: "test/profile/watch-page.test.ts", reason: page, unsuited: true },
  { on: others, file: "test/run.test.ts", reason: own, unsuited: true },
  { on: others, file: "test/readme.test.ts", reason: own, unsuited: true },
  { on: others, file: "test/docs.test.ts", reason: own, unsuited: true },
  { on: ["deno"], file: "test/package.test.ts", reason: own, unsuited: true },
  { on: others, file: "test/benchmarks/quick.test.ts", reason: own, unsuited: true },
  { on: others, file: "test/model/check.test.ts", reason: search, unsuited: true },
  { on: ["deno"], file: "test/model/pool.test.ts", reason: nodeProgram },
  { on: others, file: "test/examples/", reason: example, unsuited: true },
  { on: others, file: "test/cells/native.test.ts", reason: nodeOnly },
  { on: others, file: "test/profile/cli.test.ts", reason: nodeOnly },
  { on: others, file: "test/profile/watch-cli.test.ts", reason: nodeOnly },
  { on: ["deno"], file: "test/profile/watch.test.ts", reason: nodeOnly },
  { on: ["deno"], file: "test/profile/render/page.test.ts", reason: nodeOnly },
  { on: ["deno"], file: "test/profile/render/pprof.test.ts", reason: nodeOnly },
  { on: others, file: "test/locks/mutex-process.test.ts", reason: nodeProgram },
  { on: others, file: "test/locks/no-wait-async.test.ts", reason: nodeProgram },
  { on: others, file: "test/testing/async-watchdog.test.ts", reason: inspector },
  { on: others, file: "test/testing/bad-bodies.test.ts", title: "a counter outside the memory", reason: inspector },
  { on: others, file: "test/testing/bad-bodies.test.ts", title: "a flag", reason: inspector },
  { on: others, file: "test/testing/bad-bodies.test.ts", title: "a list that bodies add to", reason: inspector },
  { on: others, file: "test/testing/bad-bodies.test.ts", title: "an async body that", reason: inspector },
  { on: ["deno"], file: "test/soak/", reason: interrupt },
  { on: ["deno"], file: "test/region/threads.test.ts", title: "a probe tells a blocked thread", reason: interrupt },
  { on: ["deno"], file: "test/region/orphans-killed.test.ts", title: "makes and frees", reason: interrupt },
  { on: ["deno"], file: "test/locks/once.test.ts", title: "runs it ends by terminate()", reason: interrupt },
  { on: ["deno"], file: "test/locks/barrier.test.ts", title: "runs the action ends by terminate()", reason: interrupt },
  {
    on: ["deno"],
    file: "test/locks/semaphore-death.test.ts",
    title: "who ends by terminate() while",
    reason: interrupt,
  },
  {
    on: ["deno"],
    file: "test/locks/mutex-fair-order.test.ts",
    title: "turn it is dies by terminate",
    reason: interrupt,
  },
  {
    on: ["deno"],
    file: "test/tables/log-threads.test.ts",
    title: "killed writers leave whole entries",
    reason: interrupt,
  },
  { on: ["deno"], file: "test/tables/counter.test.ts", title: "what a killed thread added stays", reason: interrupt },
  { on: ["deno"], file: "test/tables/threads.test.ts", title: "writers killed in mid-operation", reason: interrupt },
  {
    on: ["deno"],
    file: "test/tables/string-pool.test.ts",
    title: "killed threads give no id twice",
    reason: interrupt,
  },
  { on: ["deno"], file: "test/profile/profile.test.ts", title: "killed while it held a lock", reason: interrupt },
  { on: ["deno"], file: "test/systems/rooms.test.ts", title: "two of them killed", reason: interrupt },
  { on: ["deno"], file: "test/systems/streams.test.ts", title: "a stream whose thread is killed", reason: interrupt },
  {
    on: ["deno"],
    file: "test/systems/session-store-more.test.ts",
    title: "killed inside an update",
    reason: interrupt,
  },
];

/** The kind of the runtime that this thread runs on. */
export function kindOfRuntime(): RuntimeKind {
  const { bun, deno } = process.versions;
  return bun !== undefined ? "bun" : deno !== undefined ? "deno" : "node";
}

/** Whether something of the file is left out there. */
export function isLimited(kind: RuntimeKind | undefined, file: string): boolean {
  return limits.some((limit) => kind !== undefined && limit.on.includes(kind) && file.startsWith(limit.file));
}

/** Why a file of the suite, or with a title one test of it, is not run there; undefined if it is. */
export function reasonToSkip(kind: RuntimeKind, file: string, title?: string): string | undefined {
  return limits.find(
    (limit) =>
      limit.on.includes(kind) &&
      file.startsWith(limit.file) &&
      (title === undefined ? limit.title === undefined : limit.title !== undefined && title.includes(limit.title)),
  )?.reason;
}
