// H1-H7: the table of names and filters, and its file (systems 1, seeds 000 and 001).
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Mutex } from "../../../src/locks/mutex.ts";
import { writeFileAtomicSync } from "../../../src/systems/atomic-write-files.ts";
import { SharedLog } from "../../../src/tables/log.ts";
import { SharedMap } from "../../../src/tables/map.ts";
import { eachKey } from "../dict.ts";
import { SafeNumbers } from "../numbers.ts";
import { breathe, RawName, RawNumbers } from "../raw.ts";
import { scratchFile } from "../scratch.ts";
import { type Context, type Story, story } from "../story.ts";

type Numbers = RawNumbers | SafeNumbers;

const NAMES = ["A".repeat(32), "B".repeat(32)];
const KEYS = 1000;
const CALLS = 100_000;
const BATCH = 100;

function renameOrRead(state: { readonly name: RawName | SharedMap }, { index, meet }: Context): number {
  let torn = 0;
  for (let i = 0; i < 8000; i++) {
    if (i % 400 === 0) meet();
    if (index === 0) state.name.set("+1", NAMES[i % 2]);
    else torn += NAMES.includes(state.name.get("+1") ?? "") ? 0 : 1;
  }
  return torn;
}

const h1 = story<{ readonly name: RawName | SharedMap }>({
  id: "H1",
  title: "phone_aliases read while another thread writes",
  kind: "probabilistic",
  threads: ["renames a number", "looks it up"],
  script: ["0: write A A", "1: read A A", "0: write B B B B", "1: read B B: torn"],
  claim: "Unprotected dictionary access may corrupt data or read it half-written.",
  fact: "Not in CPython: under the GIL a string is replaced by one pointer store. In shared memory a name is bytes, and a reader meets the half-written one.",
  fix: "a table whose reads are validated against the writer's version, and repeated",
  setUp: (variant) => {
    const name = variant === "unsafe" ? new RawName() : new SharedMap();
    name.set("+1", NAMES[0]);
    return { name };
  },
  unsafe: renameOrRead,
  safe: renameOrRead,
  check: (_state, [, torn]) => (torn === 0 ? undefined : `${torn} reads gave a name nobody ever wrote`),
});

function insertOwnKeys(state: { readonly table: Numbers }, { index, meet }: Context): void {
  for (let i = 1; i <= KEYS; i++) {
    if (i % 50 === 0) meet();
    state.table.write(i + index * RawNumbers.slots, i);
  }
}

const h2 = story<{ readonly table: Numbers }>({
  id: "H2",
  title: "two writers of phone_aliases lose an entry",
  kind: "probabilistic",
  threads: ["adds keys", "adds other keys"],
  script: [
    "0: slot 7 is empty",
    "1: slot 7 is empty",
    "0: write key 7 to slot 7",
    "1: write key 4103 to slot 7: 7 is lost",
  ],
  claim: "Test 1 shows lost updates: every thread writes the same 1,000 keys, and the count is wrong.",
  fact: "A single dict store is never lost in CPython, and writing the same keys could not show it if it were. With disjoint keys in shared memory, two writers take one empty slot.",
  fix: "the table's own lock around each write; readers need none",
  setUp: (variant) => ({ table: variant === "unsafe" ? new RawNumbers(4096) : new SafeNumbers() }),
  unsafe: insertOwnKeys,
  safe: insertOwnKeys,
  check: ({ table }) => {
    let lost = 0;
    for (let i = 1; i <= KEYS; i++) {
      for (const index of [0, 1]) lost += table.read(i + index * RawNumbers.slots) === i ? 0 : 1;
    }
    return lost === 0 ? undefined : `${lost} of ${KEYS * 2} entries are lost`;
  },
});

function growOrRead({ table }: { readonly table: Numbers }, { index, meet }: Context): number {
  if (index === 0) {
    for (let i = 101; i <= 2000; i++) {
      if (i % 20 === 0) meet();
      table.write(i, i);
    }
    return 0;
  }
  let misses = 0;
  for (let chunk = 0; chunk < 95; chunk++) {
    meet();
    for (let i = 1; i <= 100; i++) misses += table.read(i) === i ? 0 : 1;
  }
  return misses;
}

const h3 = story<{ readonly table: Numbers }>({
  id: "H3",
  title: "a read during a resize misses an entry that is there",
  kind: "probabilistic",
  threads: ["adds keys", "reads old keys"],
  script: ["0: publish the new, empty half", "1: read key 42: absent", "0: move key 42"],
  claim: "The dictionary may be corrupted while it is resized.",
  fact: "Not in CPython: a resize happens under the GIL. In shared memory the rehash is visible halfway.",
  fix: "a rehash is published by one atomic store when it is complete, and readers validate",
  setUp: (variant) => {
    const table = variant === "unsafe" ? new RawNumbers(256) : new SafeNumbers();
    for (let i = 1; i <= 100; i++) table.write(i, i);
    return { table };
  },
  unsafe: growOrRead,
  safe: growOrRead,
  check: (_state, [, misses]) => (misses === 0 ? undefined : `${misses} reads missed a key that was there throughout`),
});

const h4: Story = story<{ readonly filters: SharedMap; readonly events: SharedLog; readonly mutex: Mutex }>({
  id: "H4",
  title: "a contact is filtered between the question and the message",
  kind: "forced",
  threads: ["writes a message", "adds a filter"],
  script: ["0: is +1 filtered? no", "1: filter +1", "0: write the message of +1"],
  claim: "contact_filters is guarded by the aliases' lock in some methods and by none in others.",
  fact: "Real in CPython too: the answer is old before it is used.",
  fix: "question and message in one critical section, under the lock that addFilter takes",
  setUp: () => ({ filters: new SharedMap(), events: new SharedLog({ capacity: 8 }), mutex: new Mutex() }),
  unsafe: ({ filters, events }, context) => {
    if (context.index === 1) {
      context.step("filter +1", () => {
        filters.set("+1", "spam");
        events.append("filtered");
      });
      return;
    }
    if (context.step("is +1 filtered? no", () => filters.has("+1"))) return;
    context.step("write the message of +1", () => events.append("message"));
  },
  safe: (state, context) => state.mutex.withLock(() => h4.unsafe(state, context)),
  check: ({ events }) => {
    const log = events.reader();
    const order: string[] = [];
    for (let event = log.tryRead(); event !== undefined; event = log.tryRead()) order.push(String(event));
    const leaked = order.lastIndexOf("message") > order.indexOf("filtered");
    return leaked ? "a message of a filtered contact is written after the filter" : undefined;
  },
});

const h5 = story<{ readonly aliases: SharedMap }>({
  id: "H5",
  title: "getAlias: both miss, both extract, one number has two names",
  kind: "forced",
  threads: ["page 1: Bob", "page 2: Robert"],
  script: ["0: look +1 up: absent", "1: look +1 up: absent", "0: store the name", "1: store the name"],
  claim: "Hold the lock over the whole of get_alias, extraction and prompt included.",
  fact: "The race is real in CPython too. The cure is worse: one person who is asked stops 15 workers.",
  fix: "look up, extract with no lock held, put if absent; every caller returns the winner's name",
  setUp: () => ({ aliases: new SharedMap() }),
  unsafe: ({ aliases }, { index, step }) => {
    const found = step("look +1 up: absent", () => aliases.get("+1"));
    if (found !== undefined) return found;
    const name = ["Bob", "Robert"][index];
    step("store the name", () => aliases.set("+1", name));
    return name;
  },
  safe: ({ aliases }, { index, step }) => {
    const found = step("look +1 up: absent", () => aliases.get("+1"));
    if (found !== undefined) return found;
    return step("store the name", () => aliases.getOrInsert("+1", ["Bob", "Robert"][index]));
  },
  check: (_state, [one, other]) => (one === other ? undefined : `one number, two conversations: ${one} and ${other}`),
});

const h6 = story<{ readonly aliases: SharedMap; readonly file: string }>({
  id: "H6",
  title: "save iterates while a writer adds",
  kind: "forced",
  threads: ["saves", "adds a name"],
  script: ["0: truncate the file, write the first line", "1: add +4", "0: write the next line"],
  claim: "Saving needs the file's lock; an error while saving is logged and swallowed.",
  fact: "Real in CPython: the iteration throws, and the truncated file stays. In shared memory it would go on and write a mixture.",
  fix: "a snapshot, written to a temporary file that is renamed over the old one",
  setUp: () => {
    const aliases = new SharedMap();
    for (const phone of ["+1", "+2", "+3"]) aliases.set(phone, "name");
    const file = scratchFile("h6.txt");
    writeFileSync(file, "+1\n+2\n+3\n");
    return { aliases, file };
  },
  unsafe: ({ aliases, file }, { index, step }) => {
    if (index === 1) {
      step("add +4", () => aliases.set("+4", "name"));
      return;
    }
    let text = "";
    try {
      let name = "truncate the file, write the first line";
      for (const phone of eachKey(aliases)) {
        text += `${phone}\n`;
        step(name, () => writeFileSync(file, text));
        name = "write the next line";
      }
    } catch {
      // As the document has it: the error is swallowed.
    }
  },
  safe: ({ aliases, file }, { index, step }) => {
    if (index === 1) {
      step("add +4", () => aliases.set("+4", "name"));
      return;
    }
    const entries = step("truncate the file, write the first line", () => aliases.snapshot());
    const text = [...entries.keys()].sort().map((phone) => `${phone}\n`);
    step("write the next line", () => writeFileAtomicSync(file, text.join("")));
  },
  check: ({ file }) => {
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    const whole = /^\+1\n\+2\n\+3\n(\+4\n)?$/.test(text);
    return whole ? undefined : `the file holds ${text.split("\n").length - 1} of 3 names`;
  },
});

const h7 = story<{ readonly batch: SafeNumbers; readonly words: Int32Array }>({
  id: "H7",
  title: "the unsaved counter loses counts, or saves twice",
  kind: "probabilistic",
  threads: ["counts", "counts"],
  script: ["0: read 99", "1: read 99", "0: write 100: save", "1: write 100: save again"],
  claim: "80,000 calls gave 801 to 804 saves with 33 to 48 left over.",
  fact: "Possible in CPython (+= is several bytecodes), rarer since 3.10, where threads switch at fewer places. In shared memory it fails at once.",
  fix: "an atomic add returns each number once; whoever gets the hundredth saves",
  setUp: () => ({ batch: new SafeNumbers(), words: new Int32Array(new SharedArrayBuffer(8)) }),
  unsafe: ({ words }, { meet }) => {
    let saves = 0;
    for (let i = 0; i < CALLS; i++) {
      if (i % 5000 === 0) meet();
      const unsaved = words[0];
      breathe(997);
      words[0] = unsaved + 1;
      if (words[0] >= BATCH) {
        words[0] = 0;
        saves++;
      }
    }
    return saves;
  },
  safe: ({ batch }, { meet }) => {
    let saves = 0;
    for (let i = 0; i < CALLS; i++) {
      if (i % 5000 === 0) meet();
      if (batch.add(1, 1) % BATCH === 0) saves++;
    }
    return saves;
  },
  check: ({ batch, words }, values) => {
    const saves = values.reduce((sum: number, n) => sum + Number(n), 0);
    const left = words[0] + ((batch.read(1) ?? 0) % BATCH);
    const right = (CALLS * 2) / BATCH;
    return saves === right && left === 0 ? undefined : `${saves} saves instead of ${right}, ${left} left over`;
  },
});

export const lookupStories: readonly Story[] = [h1, h2, h3, h4, h5, h6, h7];
