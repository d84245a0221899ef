// H23-H29: processes, streams and sessions of the pipeline (system 3, seed 002).
import { Event } from "../../../src/locks/event.ts";
import { Latch } from "../../../src/locks/latch.ts";
import { SharedMap } from "../../../src/tables/map.ts";
import { SharedQueue } from "../../../src/tables/queue.ts";
import { SharedTable } from "../../../src/tables/shared-table.ts";
import { delItem, thrown } from "../dict.ts";
import { SafeNumbers } from "../numbers.ts";
import { RawNumbers, RawQueue } from "../raw.ts";
import { type Context, type Story, story } from "../story.ts";

type Numbers = RawNumbers | SafeNumbers;

const PUSHES = 4000;

function ownPlans({ table }: { readonly table: Numbers }, { index, meet }: Context): number {
  let wrong = 0;
  for (let i = 1; i <= 4000; i++) {
    if (i % 100 === 0) meet();
    // The plans of both threads share their home slots.
    const plan = (i % 16) + 1 + index * RawNumbers.slots;
    table.write(plan, i);
    wrong += table.read(plan) === i ? 0 : 1;
    table.remove(plan);
    wrong += table.read(plan) === undefined ? 0 : 1;
  }
  return wrong;
}

const h23 = story<{ readonly table: Numbers }>({
  id: "H23",
  title: "write, get and delete corrupt the two dictionaries",
  kind: "probabilistic",
  threads: ["its own plans", "its own plans"],
  script: ["0: slot 5 is empty", "1: write plan B to slot 5", "0: write plan A to slot 5", "1: get plan B: absent"],
  claim: "Python dictionaries are not thread-safe: concurrent changes corrupt them.",
  fact: "False in CPython for single operations, which the GIL makes atomic. In shared memory it is real: each thread uses only plans of its own and still finds them gone.",
  fix: "the table's own lock around each write, validated reads",
  setUp: (variant) => ({ table: variant === "unsafe" ? new RawNumbers(4096) : new SafeNumbers() }),
  unsafe: ownPlans,
  safe: ownPlans,
  check: (_state, [one, other]) => {
    const wrong = Number(one) + Number(other);
    return wrong === 0 ? undefined : `${wrong} answers about a thread's own plans are wrong`;
  },
});

function deleteOrLookUp({ table }: { readonly table: Numbers }, { index, meet }: Context): number {
  let misses = 0;
  for (let i = 0; i < 8000; i++) {
    if (i % 200 === 0) meet();
    if (index === 1) {
      misses += table.read(8 + RawNumbers.slots) === 1 ? 0 : 1;
      continue;
    }
    table.remove(8);
    table.write(8, 1);
    table.remove(8 + RawNumbers.slots * 2);
    table.write(8 + RawNumbers.slots * 2, 1);
  }
  return misses;
}

const h24 = story<{ readonly table: Numbers }>({
  id: "H24",
  title: "deleting another key moves this one: a false 'not found'",
  kind: "probabilistic",
  threads: ["deletes its plan", "looks its plan up"],
  script: ["0: empty slot 8", "1: look at slot 8: empty, absent", "0: move plan B from slot 9 to 8"],
  claim: "del progress_streams[other] resizes the dictionary, and this plan's entry is lost.",
  fact: "Not in CPython: a deletion moves nothing and resizes nothing. In shared memory with open addressing it happens as described.",
  fix: "a deletion that leaves every other key where probes find it; reads that validate",
  setUp: (variant) => {
    const table = variant === "unsafe" ? new RawNumbers(4096) : new SafeNumbers();
    for (const i of [0, 1, 2]) table.write(8 + RawNumbers.slots * i, 1);
    return { table };
  },
  unsafe: deleteOrLookUp,
  safe: deleteOrLookUp,
  check: (_state, [, misses]) =>
    misses === 0 ? undefined : `${misses} lookups missed a plan that was there throughout`,
});

type Entries = SharedTable<string, { n: number }>;

function entries(rows: Readonly<Record<string, number>>): Entries {
  const table: Entries = new SharedTable({ key: "string", columns: { n: "u32" } });
  for (const [key, n] of Object.entries(rows)) table.set(key, { n });
  return table;
}

const h25 = story<{ readonly streams: Entries }>({
  id: "H25",
  title: "cleanup_progress_stream: checked, then deleted by another",
  kind: "forced",
  threads: ["client 1 leaves", "client 2 leaves"],
  script: ["0: is plan A there? yes", "1: is plan A there? yes", "1: delete plan A", "0: delete plan A"],
  claim: "TOCTOU: another thread deletes the queue between the check and the use: KeyError.",
  fact: "Real in CPython, as described.",
  fix: "take: of all threads one gets the entry, and drains it",
  setUp: () => ({ streams: entries({ A: 1 }) }),
  unsafe: ({ streams }, { step }) => {
    if (step("is plan A there? yes", () => streams.has("A"))) step("delete plan A", () => delItem(streams, "A"));
  },
  safe: ({ streams }, { step }) => {
    step("is plan A there? yes", () => undefined);
    step("delete plan A", () => streams.take("A"));
  },
  check: ({ streams }, values) => thrown(values) ?? (streams.size === 0 ? undefined : "the entry is still there"),
});

const h26 = story<{ readonly processes: Entries; readonly ended: Entries }>({
  id: "H26",
  title: "_cleanup_execution: the process is cleaned up twice",
  kind: "forced",
  threads: ["execution ends", "user cancels"],
  script: ["0: process of plan A", "1: process of plan A", "0: end it", "1: end it", "0: forget it", "1: forget it"],
  claim: "del running_processes[plan_id] raises KeyError if another thread was first.",
  fact: "Real in CPython, and the KeyError is the smaller evil: the second kill may hit a new process with the old number.",
  fix: "take: whoever gets the process ends it",
  setUp: () => ({ processes: entries({ A: 4711 }), ended: entries({}) }),
  unsafe: ({ processes, ended }, { step }) => {
    const process = step("process of plan A", () => processes.get("A"));
    if (process === undefined) return;
    step("end it", () => ended.add(String(process.n), "n", 1));
    step("forget it", () => delItem(processes, "A"));
  },
  safe: ({ processes, ended }, { step }) => {
    const process = step("process of plan A", () => processes.take("A"));
    if (process !== undefined) step("end it", () => ended.add(String(process.n), "n", 1));
  },
  check: ({ ended }, values) => {
    const times = ended.get("4711")?.n;
    return times === 1 ? thrown(values) : `the process is ended ${times} times; ${thrown(values)}`;
  },
});

const h27 = story<{ readonly queue: SharedQueue; readonly stop: Event; readonly joined: Latch }>({
  id: "H27",
  title: "join expires: a zombie reader holds the queue",
  kind: "forced",
  threads: ["cleans up", "reads stdout"],
  script: ["1: busy with a long output", "0: join with a time-out, delete the queue", "1: write a line"],
  claim: "thread.join(5) and go on; kill the thread with _stop().",
  fact: "Real in CPython: after the time-out the thread lives and holds the queue; _stop() stops nothing.",
  fix: "a stop flag that the reader looks at, and a join that is acknowledged before anything is deleted",
  setUp: () => ({ queue: new SharedQueue({ capacity: 4 }), stop: new Event(), joined: new Latch({ count: 1 }) }),
  unsafe: ({ queue, joined }, { index, step }) => {
    if (index === 0) return step("join with a time-out, delete the queue", () => joined.wait({ timeout: 5 }));
    step("busy with a long output", () => undefined);
    step("write a line", () => queue.push("late"));
    joined.countDown();
    return undefined;
  },
  safe: ({ queue, stop, joined }, { index, step }) => {
    if (index === 0) {
      return step("join with a time-out, delete the queue", () => {
        stop.set();
        return joined.wait({ timeout: 30_000 });
      });
    }
    step("busy with a long output", () => undefined);
    // The next line of output, or the stop flag, whichever is first; here it is the flag.
    if (!stop.wait({ timeout: 30_000 })) step("write a line", () => queue.push("late"));
    joined.countDown();
    return undefined;
  },
  check: ({ queue }, [joined]) =>
    joined === true && queue.size === 0 ? undefined : "the reader outlives its join and writes to the deleted queue",
});

function pushOwn({ queue }: { readonly queue: RawQueue | SharedQueue }, { index, meet }: Context): void {
  for (let i = 0; i < PUSHES; i++) {
    if (i % 100 === 0) meet();
    queue.push(String(i * 2 + index));
  }
}

const h28 = story<{ readonly queue: RawQueue | SharedQueue }>({
  id: "H28",
  title: "a queue with many writers (the control case)",
  kind: "probabilistic",
  threads: ["stdout reader", "stderr reader"],
  script: ["0: tail is 5", "1: tail is 5", "0: write to slot 5", "1: write to slot 5", "0: tail = 6", "1: tail = 6"],
  claim: "Many writers of one queue.Queue are safe.",
  fact: "True in CPython: the queue has a lock. In shared memory there is no such queue unless one is made; a plain ring loses lines.",
  fix: "a queue for many producers: nothing is lost, each one's order is kept",
  setUp: (variant) => ({ queue: variant === "unsafe" ? new RawQueue() : new SharedQueue({ capacity: PUSHES * 2 }) }),
  unsafe: pushOwn,
  safe: pushOwn,
  check: ({ queue }) => {
    const got = queue.drain().map(Number);
    const inOrder = [0, 1].every((index) => {
      const own = got.filter((value) => value % 2 === index);
      return own.length === PUSHES && own.every((value, i) => value === i * 2 + index);
    });
    return inOrder && got.length === PUSHES * 2 ? undefined : `lines are lost or out of order: ${got.length} arrived`;
  },
});

const h29 = story<{ readonly sessions: SharedMap; readonly database: SharedMap }>({
  id: "H29",
  title: "a database session shared by threads mixes two transactions",
  kind: "forced",
  threads: ["plan A fails", "plan B succeeds"],
  script: ["0: A is running", "1: B is running", "0: roll back", "1: commit"],
  claim: "A session object shared by threads leads to corruption.",
  fact: "Real in CPython: a session is one list of statements. The session here is such a list in shared memory.",
  fix: "one session per worker",
  setUp: () => ({ sessions: new SharedMap(), database: new SharedMap() }),
  unsafe: ({ sessions, database }, context) => transact(sessions, database, "session", context),
  safe: ({ sessions, database }, context) => transact(sessions, database, `session ${context.index}`, context),
  check: ({ database }) => {
    const stored = [...database.keys()].join(", ") || "nothing";
    return stored === "B is running" ? undefined : `committed: ${stored}, instead of B's statement`;
  },
});

function transact(sessions: SharedMap, database: SharedMap, session: string, { index, step }: Context): void {
  const statement = index === 0 ? "A is running" : "B is running";
  step(statement, () => sessions.update(session, (list = "") => `${list}${statement};`));
  if (index === 0) step("roll back", () => sessions.delete(session));
  else {
    step("commit", () => {
      for (const line of (sessions.take(session) ?? "").split(";").filter(Boolean)) database.set(line, "");
    });
  }
}

export const pipelineStories: readonly Story[] = [h23, h24, h25, h26, h27, h28, h29];
