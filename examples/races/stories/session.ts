// H35-H41: the session store (system 4, seed 003).
import { TimeoutError, WouldDeadlockError } from "../../../src/cells/errors.ts";
import { Mutex } from "../../../src/locks/mutex.ts";
import { ReentrantMutex } from "../../../src/locks/reentrant-mutex.ts";
import { SharedMap } from "../../../src/tables/map.ts";
import { SharedTable } from "../../../src/tables/shared-table.ts";
import { thrown } from "../dict.ts";
import { SafeNumbers } from "../numbers.ts";
import { breathe, RawLock, RawNumbers } from "../raw.ts";
import { type Story, story } from "../story.ts";

const UPDATES = 20_000;
const USERS = 400;

const h35 = story<{ readonly table: RawNumbers | SafeNumbers }>({
  id: "H35",
  title: "get, then set: counted visits are lost",
  kind: "probabilistic",
  threads: ["counts visits", "counts visits"],
  script: ["0: get 5", "1: get 5", "0: set 6", "1: set 6"],
  claim: "get and set are each atomic; the test only detects that the counter may be wrong.",
  fact: "Real in CPython: two atomic operations are not one.",
  fix: "atomicUpdate: one operation",
  setUp: (variant) => ({ table: variant === "unsafe" ? new RawNumbers() : new SafeNumbers() }),
  unsafe: ({ table }, { meet }) => {
    for (let i = 0; i < UPDATES; i++) {
      if (i % 1000 === 0) meet();
      table.write(1, (table.read(1) ?? 0) + 1);
    }
  },
  safe: ({ table }, { meet }) => {
    for (let i = 0; i < UPDATES; i++) {
      if (i % 1000 === 0) meet();
      table.add(1, 1);
    }
  },
  check: ({ table }) => {
    const count = table.read(1) ?? 0;
    return count === UPDATES * 2 ? undefined : `${UPDATES * 2 - count} of ${UPDATES * 2} updates are lost`;
  },
});

const addUser = (users: string | undefined, user: string): string => `${users ?? ""}${user},`;

const h36 = story<{ readonly store: SharedMap }>({
  id: "H36",
  title: "a dictionary in the session is read, changed and written back: users are lost",
  kind: "probabilistic",
  threads: ["adds users", "adds users"],
  script: ["0: get {Ann}", "1: get {Ann}", "0: set {Ann, Bob}", "1: set {Ann, Cid}: Bob is lost"],
  claim: "50 concurrent dictionary updates pass the test.",
  fact: "Real in CPython; 50 short threads that run one after the other can't show it.",
  fix: "atomicUpdate: the read, the change and the write are one operation",
  setUp: () => ({ store: new SharedMap() }),
  unsafe: ({ store }, { index, meet }) => {
    for (let i = 0; i < USERS; i++) {
      if (i % 10 === 0) meet();
      const users = store.get("users");
      breathe(61);
      store.set("users", addUser(users, `${index}-${i}`));
    }
  },
  safe: ({ store }, { index, meet }) => {
    for (let i = 0; i < USERS; i++) {
      if (i % 10 === 0) meet();
      store.update("users", (users) => addUser(users, `${index}-${i}`));
    }
  },
  check: ({ store }) => {
    const count = (store.get("users") ?? "").split(",").length - 1;
    return count === USERS * 2 ? undefined : `${USERS * 2 - count} of ${USERS * 2} users are lost`;
  },
});

type Store = SharedTable<string, { n: number }>;
const KEYS = ["a", "b", "c", "d"];

const h37 = story<{ readonly store: Store }>({
  id: "H37",
  title: "a batch is read half-written",
  kind: "probabilistic",
  threads: ["sets four keys", "gets four keys"],
  script: ["0: a = 2", "1: read a, b: 2, 1", "0: b = 2"],
  claim: "get_multiple and set_multiple hold the lock once.",
  fact: "Real in CPython for a loop of single operations, as the code around the manager does it.",
  fix: "one transaction over the keys; a snapshot for the reader",
  setUp: () => {
    const store: Store = new SharedTable({ key: "string", columns: { n: "u32" } });
    for (const key of KEYS) store.set(key, { n: 0 });
    return { store };
  },
  unsafe: ({ store }, { index, meet }) => {
    let mixed = 0;
    for (let i = 0; i < 2000; i++) {
      if (i % 50 === 0) meet();
      if (index === 0) {
        for (const key of KEYS) {
          breathe(61);
          store.set(key, { n: i });
        }
      } else mixed += new Set(KEYS.map((key) => store.get(key)?.n)).size === 1 ? 0 : 1;
    }
    return mixed;
  },
  safe: ({ store }, { index, meet }) => {
    let mixed = 0;
    for (let i = 0; i < 2000; i++) {
      if (i % 50 === 0) meet();
      if (index === 0) {
        store.transaction(KEYS, (tx) => {
          for (const key of KEYS) tx.set(key, { n: i });
        });
        continue;
      }
      const rows = store.snapshot();
      mixed += new Set(KEYS.map((key) => rows.get(key)?.n)).size === 1 ? 0 : 1;
    }
    return mixed;
  },
  check: (_state, [, mixed]) => (mixed === 0 ? undefined : `${mixed} batches were read half-written`),
});

const h38 = story<{ readonly raw: RawLock; readonly plain: Mutex; readonly lock: ReentrantMutex }>({
  id: "H38",
  title: "a nested operation waits for its own lock",
  kind: "forced",
  threads: ["set inside an update"],
  script: ["0: lock for the update", "0: lock for the set inside it"],
  claim: "A regular lock deadlocks in nested operations; RLock prevents deadlock.",
  fact: "Real in CPython. RLock prevents this deadlock of a thread with itself, and no other (H18).",
  fix: "a reentrant lock; the plain one throws ERR_WOULD_DEADLOCK instead of hanging",
  setUp: () => ({ raw: new RawLock(), plain: new Mutex(), lock: new ReentrantMutex() }),
  unsafe: ({ raw }, { step }) => {
    step("lock for the update", () => raw.lock());
    return step("lock for the set inside it", () => raw.lock()) ? "done" : "waits for ever";
  },
  safe: ({ plain, lock }, { step }) => {
    const told = plain.withLock(() => {
      try {
        plain.lock();
        return false;
      } catch (error) {
        return error instanceof WouldDeadlockError;
      }
    });
    const outer = step("lock for the update", () => lock.lock());
    const inner = step("lock for the set inside it", () => lock.lock());
    inner.release();
    outer.release();
    return told ? "done" : "the plain mutex did not tell";
  },
  check: (_state, [value]) => (value === "done" ? undefined : String(value)),
});

const h39 = story<{ readonly raw: RawLock; readonly mutex: Mutex; readonly words: Int32Array }>({
  id: "H39",
  title: "a wait without end in spite of the time-out",
  kind: "forced",
  threads: ["keeps the lock", "gets with a time-out"],
  script: ["0: lock", "1: get, time-out 20 ms"],
  claim: "Lock acquisition with a 5-second time-out and elapsed time tracking.",
  fact: "Real in CPython: the original notes the time-out, counts it, and then waits without a bound.",
  fix: "a time-out throws ERR_TIMEOUT, and nothing is looked at",
  setUp: () => ({ raw: new RawLock(), mutex: new Mutex(), words: new Int32Array(new SharedArrayBuffer(4)) }),
  unsafe: ({ raw, words }, { index, step }) => {
    if (index === 0) {
      step("lock", () => raw.lock());
      Atomics.wait(words, 0, 0);
      return undefined;
    }
    step("get, time-out 20 ms", () => undefined);
    const answer = raw.lock() ? "value" : "waits for ever";
    Atomics.store(words, 0, 1);
    Atomics.notify(words, 0);
    return answer;
  },
  safe: ({ mutex, words }, { index, step }) => {
    if (index === 0) {
      const guard = step("lock", () => mutex.lock());
      Atomics.wait(words, 0, 0);
      guard.release();
      return undefined;
    }
    try {
      step("get, time-out 20 ms", () => mutex.lock({ timeout: 20 }).release());
      return "value";
    } catch (error) {
      if (error instanceof TimeoutError) return "time-out";
      throw error;
    } finally {
      Atomics.store(words, 0, 1);
      Atomics.notify(words, 0);
    }
  },
  check: (_state, values) =>
    thrown(values) ?? (values[1] === "waits for ever" ? "the reader waits for ever" : undefined),
});

const h40 = story<{ readonly store: SharedMap; readonly mirror: SharedMap }>({
  id: "H40",
  title: "store and mirror disagree",
  kind: "forced",
  threads: ["sets 1", "sets 2"],
  script: ["0: write the store", "1: write the store", "1: write the mirror", "0: write the mirror"],
  claim: "Dual storage: each write goes to the store and to Streamlit's session_state.",
  fact: "Real in CPython, where the mirror is written outside the lock: the last writer of one is not the last of the other.",
  fix: "one source of truth; the mirror is a view of it",
  setUp: () => ({ store: new SharedMap(), mirror: new SharedMap() }),
  unsafe: ({ store, mirror }, { index, step }) => {
    const value = String(index + 1);
    step("write the store", () => store.set("key", value));
    step("write the mirror", () => mirror.set("key", value));
  },
  safe: ({ store }, { index, step }) => {
    step("write the store", () => store.set("key", String(index + 1)));
    step("write the mirror", () => undefined);
  },
  check: ({ store, mirror }) => {
    const [kept, shown] = [store.get("key"), mirror.get("key") ?? store.get("key")];
    return kept === shown ? undefined : `the store says ${kept}, the mirror ${shown}`;
  },
});

const h41 = story<{ readonly store: SharedMap }>({
  id: "H41",
  title: "exists, then get: the key is gone in between",
  kind: "forced",
  threads: ["exists, then get", "deletes"],
  script: ["0: does it exist? yes", "1: delete it", "0: get it: nothing"],
  claim: "exists and get are each atomic.",
  fact: "Real in CPython: each answer is right, together they are false.",
  fix: "one get: the value, or that there is none",
  setUp: () => ({ store: new SharedMap().set("key", "value") }),
  unsafe: ({ store }, { index, step }) => {
    if (index === 1) return step("delete it", () => store.delete("key"));
    const exists = step("does it exist? yes", () => store.has("key"));
    return { exists, value: step("get it: nothing", () => store.get("key")) };
  },
  safe: ({ store }, { index, step }) => {
    if (index === 1) return step("delete it", () => store.delete("key"));
    const value = step("does it exist? yes", () => store.get("key"));
    step("get it: nothing", () => undefined);
    return { exists: value !== undefined, value };
  },
  check: (_state, [answer]) => {
    const { exists, value } = answer as { exists: boolean; value: string | undefined };
    return exists === (value !== undefined) ? undefined : "it exists, and has no value";
  },
});

export const sessionStories: readonly Story[] = [h35, h36, h37, h38, h39, h40, h41];
