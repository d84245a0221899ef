// H8-H13, H15, H19, H20: statistics of conversations (system 2, seeds 000 and 001).
import { SharedMap } from "../../../src/tables/map.ts";
import { SharedTable, snapshotAll } from "../../../src/tables/shared-table.ts";
import { StringPool } from "../../../src/tables/string-pool.ts";
import { delItem, eachKey, getItem, thrown } from "../dict.ts";
import { SafeNumbers } from "../numbers.ts";
import { RawNumbers } from "../raw.ts";
import { type Context, type Story, story } from "../story.ts";

type Counts = SharedTable<string, { n: number }>;
type Numbers = RawNumbers | SafeNumbers;

const ADDS = 80_000;

function counts(rows: Readonly<Record<string, number>>): Counts {
  const table: Counts = new SharedTable({ key: "string", columns: { n: "u32" } });
  for (const [key, n] of Object.entries(rows)) table.set(key, { n });
  return table;
}

const h8 = story<{ readonly stats: Counts }>({
  id: "H8",
  title: "get_total_stats iterates while a conversation is added",
  kind: "forced",
  threads: ["sums", "adds"],
  script: ["0: add Ann", "1: new conversation Cid", "0: add Bob"],
  claim: "Iterating self.conversation_stats.values() while others insert raises RuntimeError.",
  fact: "Real in CPython. list(items()) does not cure it: the copy is shallow, the inner values still move.",
  fix: "a snapshot: all rows at one moment, copied",
  setUp: () => ({ stats: counts({ Ann: 1, Bob: 2 }) }),
  unsafe: ({ stats }, { index, step }) => {
    if (index === 1) return step("new conversation Cid", () => void stats.set("Cid", { n: 4 }));
    let total = 0;
    for (const key of eachKey(stats)) total += step(`add ${key}`, () => getItem(stats, key).n);
    return total;
  },
  safe: ({ stats }, { index, step }) => {
    if (index === 1) return step("new conversation Cid", () => void stats.set("Cid", { n: 4 }));
    const rows = step("add Ann", () => stats.snapshot());
    return step("add Bob", () => [...rows.values()].reduce((sum, row) => sum + row.n, 0));
  },
  check: (_state, values) => thrown(values) ?? ([3, 7].includes(Number(values[0])) ? undefined : `total ${values[0]}`),
});

const h9: Story = story<{ readonly messages: Counts; readonly stats: Counts }>({
  id: "H9",
  title: "totals that match no moment in time",
  kind: "forced",
  threads: ["sums both tables", "writes a message"],
  script: ["0: messages stored: 0", "1: store the message", "1: count the message", "0: messages counted: 1"],
  claim: "The test asserts isinstance(total, int).",
  fact: "Real in CPython, and no exception tells: the type of a wrong total is right. Every message is stored before it is counted, so more counted than stored never was.",
  fix: "one snapshot over both tables",
  setUp: () => ({ messages: counts({ Ann: 0 }), stats: counts({ Ann: 0 }) }),
  unsafe: ({ messages, stats }, { index, step }) => {
    if (index === 0) {
      const stored = step("messages stored: 0", () => getItem(messages, "Ann").n);
      return [stored, step("messages counted: 1", () => getItem(stats, "Ann").n)];
    }
    step("store the message", () => messages.add("Ann", "n", 1));
    return step("count the message", () => stats.add("Ann", "n", 1));
  },
  safe: (state, context) => {
    if (context.index === 1) return h9.unsafe(state, context);
    const [messages, stats] = context.step("messages stored: 0", () => snapshotAll([state.messages, state.stats]));
    return context.step("messages counted: 1", () => [getItem(messages, "Ann").n, getItem(stats, "Ann").n]);
  },
  check: (_state, [totals]) => {
    const [stored, counted] = totals as number[];
    return counted > stored ? `${counted} counted, ${stored} stored: no such moment` : undefined;
  },
});

const h10 = story<{ readonly types: SharedTable<string, { sms: boolean; call: boolean }> }>({
  id: "H10",
  title: "content types: the second creator overwrites the first's flags",
  kind: "forced",
  threads: ["an sms", "a call"],
  script: ["0: Ann's flags: absent", "1: Ann's flags: absent", "0: store the flags", "1: store the flags"],
  claim: "Use setdefault: it is atomic.",
  fact: "Real in CPython. setdefault is atomic for the insert only; the change after it still needs the lock.",
  fix: "update: the read, the change and the write are one operation",
  setUp: () => ({ types: new SharedTable({ key: "string", columns: { sms: "bool", call: "bool" } }) }),
  unsafe: ({ types }, { index, step }) => {
    const flags = step("Ann's flags: absent", () => types.get("Ann")) ?? { sms: false, call: false };
    step("store the flags", () => types.set("Ann", { ...flags, [index === 0 ? "sms" : "call"]: true }));
  },
  safe: ({ types }, { index, step }) => {
    step("Ann's flags: absent", () => types.get("Ann"));
    step("store the flags", () =>
      types.update("Ann", (row) => ({
        sms: row?.sms === true || index === 0,
        call: row?.call === true || index === 1,
      })),
    );
  },
  check: ({ types }) => {
    const flags = types.get("Ann");
    return flags?.sms && flags.call ? undefined : `flags ${JSON.stringify(flags)}`;
  },
});

function addToOne({ table }: { readonly table: Numbers }, { meet }: Context): void {
  for (let i = 0; i < ADDS; i++) {
    if (i % 4000 === 0) meet();
    table.add(1, 1);
  }
}

const makeNumbers = (variant: string) => ({ table: variant === "unsafe" ? new RawNumbers() : new SafeNumbers() });

const h11 = story<{ readonly table: Numbers }>({
  id: "H11",
  title: "content counters lose increments",
  kind: "probabilistic",
  threads: ["counts calls", "counts calls"],
  script: ["0: read 5", "1: read 5", "0: write 6", "1: write 6"],
  claim: "total_messages += 1 is a race: even with the lock held it may be lost.",
  fact: "The += is a real race in CPython; with the lock held the interleaving shown is impossible. In shared memory it fails at once.",
  fix: "an atomic add",
  setUp: makeNumbers,
  unsafe: addToOne,
  safe: addToOne,
  check: ({ table }) => {
    const count = table.read(1) ?? 0;
    return count === ADDS * 2 ? undefined : `${ADDS * 2 - count} of ${ADDS * 2} increments are lost`;
  },
});

const h12 = story<{ readonly stats: Counts }>({
  id: "H12",
  title: "finalize deletes while it iterates",
  kind: "forced",
  threads: ["finalizes", "writes a message"],
  script: ["0: Ann is empty", "1: a message to Ann", "0: delete Ann"],
  claim: "Finalize removes empty conversations.",
  fact: "Deleting in the loop throws in CPython without any second thread. With one, the message that came in between is deleted too.",
  fix: "a snapshot, then delete each only if its version is still the one that was looked at",
  setUp: () => ({ stats: counts({ Ann: 0, Bob: 2 }) }),
  unsafe: ({ stats }, { index, step }) => {
    if (index === 1) return step("a message to Ann", () => stats.add("Ann", "n", 1));
    for (const key of eachKey(stats)) {
      if (key === "Bob") continue;
      if (step("Ann is empty", () => getItem(stats, key).n) === 0) step("delete Ann", () => delItem(stats, key));
    }
    return undefined;
  },
  safe: ({ stats }, { index, step }) => {
    if (index === 1) return step("a message to Ann", () => stats.add("Ann", "n", 1));
    const seen = step("Ann is empty", () => stats.getWithVersion("Ann"));
    if (seen?.row.n === 0) step("delete Ann", () => stats.compareAndDelete("Ann", seen.version));
    return undefined;
  },
  check: ({ stats }, values) => {
    const lost = stats.get("Ann")?.n === 1 ? undefined : "the new message is deleted";
    const threw = thrown(values);
    return lost !== undefined && threw !== undefined ? `${lost}, and ${threw}` : (lost ?? threw);
  },
});

function addPages({ table }: { readonly table: Numbers }, { index, meet }: Context): void {
  for (let page = 0; page < ADDS / 4; page++) {
    if (page % 1000 === 0) meet();
    for (let column = 1; column <= 4; column++) table.add(column, column + index);
  }
}

const h13 = story<{ readonly table: Numbers }>({
  id: "H13",
  title: "aggregated statistics lose the sums of whole pages",
  kind: "probabilistic",
  threads: ["adds pages", "adds pages"],
  script: ["0: read num_img 10", "1: read num_img 10", "0: write 13", "1: write 14"],
  claim: "Workers add their pages' figures to the shared totals.",
  fact: "The same lost update as H11, four columns wide: each total is wrong by another amount, all are integers.",
  fix: "an atomic add for each column",
  setUp: makeNumbers,
  unsafe: addPages,
  safe: addPages,
  check: ({ table }) => {
    const wrong = [1, 2, 3, 4].filter((column) => table.read(column) !== (ADDS / 4) * (column * 2 + 1));
    return wrong.length === 0 ? undefined : `${wrong.length} of 4 totals are wrong`;
  },
});

const h15 = story<{ readonly ids: SharedMap; readonly next: Counts; readonly pool: StringPool }>({
  id: "H15",
  title: "string pool: one string gets two ids",
  kind: "forced",
  threads: ["interns Ann", "interns Ann"],
  script: ["0: id of Ann: absent", "1: id of Ann: absent", "0: store a new id", "1: store a new id"],
  claim: "Interning saves memory and makes comparisons cheap.",
  fact: "Real in CPython too. Two ids of one string make equal names unequal.",
  fix: "intern is one atomic get-or-insert",
  setUp: () => ({ ids: new SharedMap(), next: counts({}), pool: new StringPool() }),
  unsafe: ({ ids, next }, { step }) => {
    const known = step("id of Ann: absent", () => ids.get("Ann"));
    if (known !== undefined) return known;
    return step("store a new id", () => {
      const id = String(next.add("next", "n", 1));
      ids.set("Ann", id);
      return id;
    });
  },
  safe: ({ pool }, { step }) => {
    step("id of Ann: absent", () => pool.find("Ann"));
    return step("store a new id", () => String(pool.intern("Ann")));
  },
  check: (_state, [one, other]) => (one === other ? undefined : `one string, ids ${one} and ${other}`),
});

const h19 = story<{ readonly latest: Counts }>({
  id: "H19",
  title: "the latest message goes back in time",
  kind: "forced",
  threads: ["message of 10:00", "message of 12:00"],
  script: ["0: latest: 0", "1: latest: 0", "1: store mine as the latest", "0: store mine as the latest"],
  claim: "update_latest compares and stores, outside the lock; opening a file resets it.",
  fact: "Real in CPython too: compare and store are two operations.",
  fix: "max: an atomic maximum, which no order of arrivals can undo",
  setUp: () => ({ latest: counts({ Ann: 0 }) }),
  unsafe: ({ latest }, { index, step }) => {
    const mine = [1000, 1200][index];
    const known = step("latest: 0", () => getItem(latest, "Ann").n);
    if (known < mine) step("store mine as the latest", () => latest.set("Ann", { n: mine }));
  },
  safe: ({ latest }, { index, step }) => {
    step("latest: 0", () => getItem(latest, "Ann").n);
    step("store mine as the latest", () => latest.max("Ann", "n", [1000, 1200][index]));
  },
  check: ({ latest }) =>
    latest.get("Ann")?.n === 1200 ? undefined : `the latest message is that of ${latest.get("Ann")?.n}`,
});

const h20 = story<{ readonly stats: SharedTable<string, { sms: number; calls: number }> }>({
  id: "H20",
  title: "the call-only filter depends on the order of call and sms",
  kind: "forced",
  threads: ["a call", "an sms"],
  script: ["0: no sms yet", "1: store the sms", "0: store or drop the call"],
  claim: "A call of a conversation without text is skipped when it is read.",
  fact: "Not a matter of memory at all: the decision is made before the facts are in, with one thread too if the files come in another order.",
  fix: "store everything, decide at finalize",
  setUp: () => ({ stats: new SharedTable({ key: "string", columns: { sms: "u32", calls: "u32" } }) }),
  unsafe: ({ stats }, { index, step }) => {
    if (index === 1) return step("store the sms", () => stats.add("Ann", "sms", 1));
    const callOnly = step("no sms yet", () => (stats.get("Ann")?.sms ?? 0) === 0);
    return step("store or drop the call", () => (callOnly ? 0 : stats.add("Ann", "calls", 1)));
  },
  safe: ({ stats }, { index, step }) => {
    if (index === 1) return step("store the sms", () => stats.add("Ann", "sms", 1));
    step("no sms yet", () => undefined);
    return step("store or drop the call", () => stats.add("Ann", "calls", 1));
  },
  check: ({ stats }) => (stats.get("Ann")?.calls === 1 ? undefined : "the call of a conversation with text is dropped"),
});

export const statsStories: readonly Story[] = [h8, h9, h10, h11, h12, h13, h15, h19, h20];
