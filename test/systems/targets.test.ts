// Numbers of the documents that no other test holds in this very form (docs/targets.md has the whole list).
// watchdog: 240s
import * as assert from "uvu/assert";
import { Barrier } from "../../src/locks/barrier.ts";
import { Region } from "../../src/region/region.ts";
import { ConversationStats } from "../../src/systems/conversation-stats.ts";
import { SessionStore } from "../../src/systems/session-store.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";
import { expected, type SeededRow, THREADS } from "./targets-plan.ts";

const test = suite("systems/targets");
const file = new URL("./targets.worker.js", import.meta.url);
const WAIT = { timeout: 120_000 };

test("1,000 adds beside 1,000 reads of the totals: no error, never backwards, 1,000 at the end", async () => {
  const region = Region.create();
  const stats = new ConversationStats({ region });
  const barrier = new Barrier({ region, parties: 2 });
  await runWorkers({
    file,
    count: 2,
    timeoutMs: 120_000,
    workerData: (index) => ({
      job: index === 0 ? "add" : "read",
      stats: stats.share(),
      barrier: barrier.share(),
      rounds: 1000,
    }),
  });
  assert.is(stats.getTotalStats().num_sms, 1000);
  assert.is(stats.getAllStats().size, 1000);
});

test("1,000 seeded runs of 4 threads on one table: after each it is sound and holds what one thread computes", async () => {
  const region = Region.create();
  const table: SharedTable<string, SeededRow> = new SharedTable({
    region,
    key: "string",
    columns: { count: "f64", most: "f64", text: "string" },
  });
  const barrier = new Barrier({ region, parties: THREADS + 1 });
  const rounds = 1000;
  const checkAll = (): void => {
    for (let round = 0; round < rounds; round++) {
      barrier.wait(WAIT);
      barrier.wait(WAIT);
      const { ok, problems } = table.check();
      assert.ok(ok, `run ${round}: ${problems.join("; ")}`);
      assert.equal(
        [...table.snapshot()].sort(([a], [b]) => (a < b ? -1 : 1)),
        [...expected(round)].sort(([a], [b]) => (a < b ? -1 : 1)),
        `run ${round}`,
      );
      table.clear();
    }
  };
  let ready = 0;
  await runWorkers({
    file,
    count: THREADS,
    timeoutMs: 120_000,
    workerData: { job: "seeded", table: table.share(), barrier: barrier.share(), rounds },
    onMessage: (message) => {
      if (message === "ready" && ++ready === THREADS) checkAll();
    },
  });
});

test("a key of the session store takes little more than its key and value", () => {
  const perKey = (keys: number): number => {
    const region = Region.create();
    const store = new SessionStore({ region });
    const before = region.stats().bytesUsed;
    let own = 0;
    for (let i = 0; i < keys; i++) {
      const [key, value] = [`session:${String(i).padStart(8, "0")}`, `value of session ${String(i).padStart(8, "0")}`];
      store.set(key, value);
      own += key.length + JSON.stringify(value).length;
    }
    return (region.stats().bytesUsed - before - own) / keys;
  };
  const [hundred, many] = [perKey(100), perKey(10_000)];
  if (process.argv.includes("--print")) console.log(`bytes beyond key and value: ${hundred} of 100, ${many} of 10,000`);
  assert.ok(many < 200, `${many} bytes`);
  assert.ok(hundred * 100 < 1_000_000);
});

test.run();
