// watchdog: 120s
// Long texts go ways of their own (codec.ts, reader.ts): they come back as they were, and whole, whatever they hold.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedMap } from "../../src/tables/map.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { indexOfText } from "../support/bytes.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("long texts");

const units = ["a", "\u007f", "\u0080", "é", "€", "𝄞", "\ud800", "\udc00", "\ufffd", "\ufeff"];
const lengths = [1, 24, 25, 85, 257, 512, 2100, 5000, 20_000];

for (const wasm of [true, false]) {
  test(`texts of every length and kind come back, from a cache and without one, ${wasm ? "Wasm" : "JavaScript"}`, () => {
    const region = Region.create({ wasm });
    const map = new SharedMap({ region });
    const pair = new SharedTable({ region, key: "string", columns: { first: "string", second: "string" } });
    for (const length of lengths) {
      for (const unit of units) {
        // Of one kind, and plain but for one unit, at the end.
        for (const text of [unit.repeat(length), `${"x".repeat(length - 1)}${unit}`]) {
          map.set("key", text);
          pair.set("key", { first: "plain", second: text });
          pair.set("yek", { first: text, second: "plain" });
          for (let again = 0; again < 2; again++) {
            assert.ok(map.get("key") === text, `${length} of ${unit}`);
            assert.ok(pair.get("key")?.second === text);
            assert.equal(pair.get("yek")?.second, "plain");
            assert.ok(pair.get("yek")?.first === text);
          }
        }
      }
    }
    assert.equal(map.check().problems, []);
    assert.equal(pair.check().problems, []);
  });

  test(`a long text that is replaced while it is read is read whole, ${wasm ? "Wasm" : "JavaScript"}`, async () => {
    const map = new SharedMap({ region: Region.create({ wasm }) });
    map.set("key", "a".repeat(20_000));
    const file = new URL("./long-text.worker.js", import.meta.url);
    const workerData = { map: map.share(), rounds: 300 };
    const env = { HOLDFAST_WASM: wasm ? "1" : "0" };
    const outcomes = await runWorkers<number>({ file, count: 4, workerData, env, timeoutMs: 100_000 });
    for (const { result } of outcomes) assert.is(result, 0);
    assert.equal(map.check().problems, []);
  });
}

test("check() finds a row that says that it is plain and is not", () => {
  const region = Region.create();
  const map = new SharedMap({ region });
  map.set("key", "plain text that stands in the region");
  const { bytes } = region.memory;
  const at = indexOfText(bytes, "plain text");
  bytes[at] = 0xc3;
  assert.ok(map.check().problems.some((problem) => problem.includes("not ASCII")));
});

test.run();
