// H14, H16-H18, H21, H22: files, work lists, locks and start-up (systems 1 and 2, seeds 000 and 001).
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { Latch } from "../../../src/locks/latch.ts";
import { Mutex } from "../../../src/locks/mutex.ts";
import { writeFileAtomicSync } from "../../../src/systems/atomic-write-files.ts";
import { SharedMap } from "../../../src/tables/map.ts";
import { SharedQueue } from "../../../src/tables/queue.ts";
import { SharedSet } from "../../../src/tables/set.ts";
import { getItem, thrown } from "../dict.ts";
import { RawLock } from "../raw.ts";
import { scratchFile } from "../scratch.ts";
import { type Story, story } from "../story.ts";

const LINES = 200;

function cleared(name: string): string {
  const file = scratchFile(name);
  rmSync(file, { force: true });
  return file;
}

const h14 = story<{ readonly file: string; readonly queue: SharedQueue }>({
  id: "H14",
  title: "log lines of two workers cut each other",
  kind: "probabilistic",
  threads: ["logs", "logs", "writes the log"],
  script: ["0: write 'page 1'", "1: write 'page 2'", "0: write the line end", "1: write the line end"],
  claim: "logging and print are called from 16 workers.",
  fact: "CPython's logging module locks; print does not: it writes the text and the line end one after the other. Threads that share a file have no lock at all.",
  fix: "a queue of whole lines, and one thread that writes",
  setUp: () => ({ file: cleared("h14.log"), queue: new SharedQueue({ capacity: 64 }) }),
  unsafe: ({ file }, { index }) => {
    if (index === 2) return;
    const log = openSync(file, "a");
    for (let i = 0; i < LINES; i++) {
      writeSync(log, `worker ${index} page ${i}`);
      writeSync(log, "\n");
    }
    closeSync(log);
  },
  safe: ({ file, queue }, { index }) => {
    if (index < 2) {
      for (let i = 0; i < LINES; i++) queue.push(`worker ${index} page ${i}\n`, { timeout: 30_000 });
      return;
    }
    const log = openSync(file, "a");
    for (let i = 0; i < LINES * 2; i++) writeSync(log, String(queue.pop({ timeout: 30_000 })));
    closeSync(log);
  },
  check: ({ file }) => {
    const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
    const cut = lines.filter((line) => !/^worker \d page \d+$/.test(line)).length;
    return cut === 0 && lines.length === LINES * 2 ? undefined : `${cut} of ${lines.length} lines are cut`;
  },
});

const h16 = story<{ readonly cache: SharedMap; readonly file: string }>({
  id: "H16",
  title: "attachment cache: a shared .tmp name, and check-then-get",
  kind: "forced",
  threads: ["saves AAAA", "evicts, saves BBBB"],
  script: [
    "0: is it cached? yes",
    "1: evict it",
    "0: take it",
    "0: first half to cache.tmp",
    "1: first half to cache.tmp",
    "0: second half, rename",
  ],
  claim: "if key in cache: return cache[key]; the cache is written to cache.tmp and renamed.",
  fact: "Both real in CPython. The rename is atomic, what it puts in place is not: two writers share the one .tmp file.",
  fix: "one get that answers or does not; a temporary name of its own for each write",
  setUp: () => ({ cache: new SharedMap().set("photo", "p"), file: cleared("h16.cache") }),
  unsafe: ({ cache, file }, { index, step }) => {
    let missing = "";
    if (index === 1) step("evict it", () => cache.delete("photo"));
    else if (step("is it cached? yes", () => cache.has("photo"))) {
      try {
        step("take it", () => getItem(cache, "photo"));
      } catch (error) {
        missing = String(error);
      }
    }
    const letter = index === 0 ? "AA" : "BB";
    const temporary = step("first half to cache.tmp", () => {
      const opened = openSync(`${file}.tmp`, "w");
      writeSync(opened, letter);
      return opened;
    });
    step("second half, rename", () => {
      writeSync(temporary, letter);
      closeSync(temporary);
      if (existsSync(`${file}.tmp`)) renameSync(`${file}.tmp`, file);
    });
    return missing;
  },
  safe: ({ cache, file }, { index, step }) => {
    if (index === 1) step("evict it", () => cache.take("photo"));
    else {
      step("is it cached? yes", () => undefined);
      step("take it", () => cache.get("photo"));
    }
    step("first half to cache.tmp", () => writeFileAtomicSync(file, index === 0 ? "AAAA" : "BBBB"));
    step("second half, rename", () => undefined);
    return "";
  },
  check: ({ file }, values) => {
    const content = readFileSync(file, "utf8");
    const torn = ["AAAA", "BBBB"].includes(content) ? "" : `the cache file is ${content}`;
    return [...values.map(String), torn].filter((part) => part !== "").join("; ") || undefined;
  },
});

const h17 = story<{ readonly claimed: SharedSet }>({
  id: "H17",
  title: "one file is processed twice",
  kind: "forced",
  threads: ["worker 1", "worker 2"],
  script: ["0: is page 7 claimed? no", "1: is page 7 claimed? no", "0: claim it", "1: claim it"],
  claim: "Files are handed out in chunks; processed ones are remembered in a set.",
  fact: "Real in CPython too: the set is sound, asking and adding are two operations.",
  fix: "claiming answers whether one was the first",
  setUp: () => ({ claimed: new SharedSet() }),
  unsafe: ({ claimed }, { step }) => {
    if (step("is page 7 claimed? no", () => claimed.has("page 7"))) return false;
    step("claim it", () => claimed.add("page 7"));
    return true;
  },
  safe: ({ claimed }, { step }) => {
    step("is page 7 claimed? no", () => undefined);
    return step("claim it", () => claimed.add("page 7"));
  },
  check: (_state, values) => {
    const times = values.filter((value) => value === true).length;
    return times === 1 ? undefined : `page 7 is processed ${times} times`;
  },
});

const h18 = story<{ readonly raw: readonly Int32Array<SharedArrayBuffer>[]; readonly a: Mutex; readonly b: Mutex }>({
  id: "H18",
  title: "A then B, B then A: deadlock",
  kind: "forced",
  threads: ["looks up, then saves", "saves, then looks up"],
  script: ["0: lock the table", "1: lock the file", "0: want the other lock", "1: want the other lock"],
  claim: "Use RLock: it prevents deadlocks.",
  fact: "Real in CPython. A reentrant lock helps a thread against itself only, never two threads against each other.",
  fix: "the table before the file, in every thread; and a time-out whose error names the owner",
  setUp: () => ({
    raw: [0, 1].map(() => new Int32Array(new SharedArrayBuffer(4))),
    a: new Mutex({ name: "h18 table" }),
    b: new Mutex({ name: "h18 file" }),
  }),
  unsafe: ({ raw }, { index, step }) => {
    const [table, file] = raw.map((words) => RawLock.from(words));
    const [first, second] = index === 0 ? [table, file] : [file, table];
    step(index === 0 ? "lock the table" : "lock the file", () => first.lock());
    step("want the other lock", () => undefined);
    // A thread that would wait for ever keeps what it holds.
    if (!second.lock()) return "waits for ever";
    second.unlock();
    first.unlock();
    return "done";
  },
  safe: ({ a, b }, { index, step }) => {
    const guard = step(index === 0 ? "lock the table" : "lock the file", () => a.lock({ timeout: 30_000 }));
    step("want the other lock", () => undefined);
    b.withLock(() => undefined, { timeout: 30_000 });
    guard.release();
    return "done";
  },
  check: (_state, values) => (values.every((value) => value === "done") ? undefined : values.join("; ")),
});

const h21 = story<{ readonly file: string; readonly sealed: SharedSet; readonly mutex: Mutex }>({
  id: "H21",
  title: "a write after finalize truncates the output",
  kind: "forced",
  threads: ["finalizes", "writes late"],
  script: ["0: write Ann.html: 2 messages", "1: open Ann.html for a late message"],
  claim: "write_message opens a conversation's file when it is first used.",
  fact: "Real in CPython, and in any order of threads: the state 'finished' does not exist.",
  fix: "finalize seals; a late write is an error",
  setUp: () => ({ file: cleared("h21.html"), sealed: new SharedSet(), mutex: new Mutex() }),
  unsafe: ({ file }, { index, step }) => {
    if (index === 0) step("write Ann.html: 2 messages", () => writeFileSync(file, "one\ntwo\n"));
    else step("open Ann.html for a late message", () => writeFileSync(file, "late\n", { flag: "w" }));
  },
  safe: ({ file, sealed, mutex }, { index, step }) => {
    if (index === 0) {
      return step("write Ann.html: 2 messages", () =>
        mutex.withLock(() => {
          sealed.add("sealed");
          writeFileAtomicSync(file, "one\ntwo\n");
        }),
      );
    }
    return step("open Ann.html for a late message", () =>
      mutex.withLock(() => {
        if (sealed.has("sealed")) return "refused: finalized";
        writeFileSync(file, "late\n", { flag: "w" });
        return "written";
      }),
    );
  },
  check: ({ file }) => {
    const text = readFileSync(file, "utf8");
    return text.startsWith("one\ntwo\n") ? undefined : `Ann.html holds only ${JSON.stringify(text)}`;
  },
});

const h22 = story<{ readonly config: SharedMap; readonly published: Latch }>({
  id: "H22",
  title: "a worker starts before the own number is published",
  kind: "forced",
  threads: ["publishes", "names a sender"],
  script: ["1: read the own number", "0: publish the own number"],
  claim: "own_number is a module's global, set while the first files are read.",
  fact: "Real in CPython too: nothing orders the first read behind the write.",
  fix: "a latch: whoever needs the number waits until it is there",
  setUp: () => ({ config: new SharedMap(), published: new Latch({ count: 1 }) }),
  unsafe: ({ config }, { index, step }) => {
    if (index === 0) return step("publish the own number", () => void config.set("own", "+1"));
    return step("read the own number", () => (config.get("own") === "+1" ? "Me" : "contact +1"));
  },
  safe: ({ config, published }, { index, step }) => {
    if (index === 0) {
      return step("publish the own number", () => {
        config.set("own", "+1");
        published.countDown();
      });
    }
    published.wait({ timeout: 30_000 });
    return step("read the own number", () => (config.get("own") === "+1" ? "Me" : "contact +1"));
  },
  check: (_state, values) => thrown(values) ?? (values[1] === "Me" ? undefined : `the owner is shown as ${values[1]}`),
});

export const workStories: readonly Story[] = [h14, h16, h17, h18, h21, h22];
