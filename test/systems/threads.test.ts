// PhoneLookup and ConversationStats under real workers: totals against what was done, in the main thread.
// native: in the long form
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { ConversationStats } from "../../src/systems/conversation-stats.ts";
import { parseLookup } from "../../src/systems/lookup-file.ts";
import { PhoneLookup } from "../../src/systems/phone-lookup.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("systems/threads");
const file = new URL("./systems.worker.js", import.meta.url);

function run(
  count: number,
  workerData: object | ((index: number) => object),
  onMessage?: () => void,
): Promise<number[]> {
  const all = runWorkers<number>({ file, count, workerData, timeoutMs: 90_000, onMessage });
  return all.then((outcomes) => outcomes.map(({ result }) => result));
}

/** The name that `disagree` makes win for a number, by the same arithmetic in one thread. */
function winner(phone: string, workers: number, each: number): string {
  let lowest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < workers; index++) {
    for (let i = 0; i < each; i++) {
      if (`+1${(i * 7 + index * 13) % 100}` === phone) lowest = Math.min(lowest, ((i * 31 + index * 17) % 997) + 3);
    }
  }
  return `Name_${String.fromCharCode(65 + (lowest % 26))}`;
}

test("16 workers, names that disagree: the lowest rank's name wins for each number, every lookup is counted", async () => {
  const lookup = new PhoneLookup({ region: Region.create() });
  await run(16, { job: "disagree", lookup: lookup.share(), each: 1000 });
  assert.is(lookup.lookups, 16_000);
  const aliases = lookup.getAllAliases();
  assert.is(aliases.size, 100);
  for (const [phone, alias] of aliases) assert.is(alias, winner(phone, 16, 1000), phone);
});

test("16 workers look up and name the same 1,000 numbers: 1,000 in the table, each under its name", async () => {
  const lookup = new PhoneLookup({ region: Region.create() });
  await run(16, { job: "sameKeys", lookup: lookup.share(), each: 1000 });
  const aliases = lookup.getAllAliases();
  assert.is(aliases.size, 1000);
  for (let i = 0; i < 1000; i++) assert.is(aliases.get(`+1555${String(i).padStart(4, "0")}`), `Person${i}`);
});

test("16 workers add 100 names each, saved at once: 1,600 in the table and in the file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-threads-"));
  try {
    const path = join(folder, "phone_lookup.txt");
    const lookup = new PhoneLookup({ region: Region.create(), file: path });
    await run(16, { job: "ownKeys", lookup: lookup.share(), each: 100 });
    assert.is(lookup.getAllAliases().size, 1600);
    assert.equal([...parseLookup(readFileSync(path, "utf8")).aliases].sort(), [...lookup.getAllAliases()].sort());
    lookup.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("80,000 changes by 16 workers are exactly 800 flushes, none left over", async () => {
  const lookup = new PhoneLookup({ region: Region.create() });
  await run(16, { job: "changes", lookup: lookup.share(), each: 5000 });
  assert.equal([lookup.flushes, lookup.unsaved], [800, 0]);
});

test("whoever sees a filtered contact's name sees the filter", async () => {
  const lookup = new PhoneLookup({ region: Region.create() });
  const leaked = await run(4, { job: "filters", lookup: lookup.share(), each: 1000 });
  assert.equal(leaked, [0, 0, 0, 0]);
});

test("8 writers beside 8 readers of the totals: never backwards, never torn, and at the end all that was written", async () => {
  const stats = new ConversationStats({ region: Region.create() });
  await run(16, (index) => ({
    job: index < 8 ? "write" : "read",
    stats: stats.share(),
    each: index < 8 ? 1000 : 8000,
  }));
  const totals = stats.getTotalStats();
  assert.is(totals.num_sms + totals.num_calls + totals.num_voicemails, 8000);
  assert.is(stats.getAllStats().size, 100);
  for (const [key, figures] of stats.getAllStats()) {
    const messages = stats.getMessages(key);
    assert.is(messages.length, 80, key);
    assert.is(new Set(messages.map(({ rank, index }) => `${rank} ${index}`)).size, 80);
    assert.is(figures.latestTimestamp, Math.max(...messages.map(({ timestamp }) => timestamp)));
    assert.is(figures.imgCount, messages.filter(({ attachments }) => attachments.length > 0).length);
  }
});

test("sealing in the middle of writing: every message that was not refused is there", async () => {
  const stats = new ConversationStats({ region: Region.create() });
  const handle = stats.share();
  const sealSoon = setInterval(() => {
    const written = [...stats.getAllStats().values()].reduce((sum, { total }) => sum + total, 0);
    if (written > 2000) {
      stats.seal();
      sealed = stats.getAllStats();
      clearInterval(sealSoon);
    }
  }, 1);
  let sealed = stats.getAllStats();
  const written = await run(8, { job: "untilSealed", stats: handle, each: 0 });
  const total = [...sealed.values()].reduce((sum, figures) => sum + figures.total, 0);
  assert.is(
    total,
    written.reduce((sum, count) => sum + count, 0),
  );
  assert.equal(stats.getAllStats(), sealed);
});

test.run();
