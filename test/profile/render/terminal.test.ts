import { stripVTControlCharacters } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { terminalTable } from "../../../src/profile/render/terminal.ts";
import { percent, shortCount, time } from "../../../src/profile/render/units.ts";
import { emptyProfile, hostileProfile, hotProfile, largeProfile } from "../../support/profiles.ts";

const test = suite("profile: terminal table");
const linesOf = (text: string): string[] => text.trimEnd().split("\n");

test("says in words which lock, how long, and behind which call site", () => {
  const text = terminalTable(hotProfile()).replaceAll("\n", " ");
  assert.match(
    text,
    'Threads waited 3.62 s in all in the 5.00 s recorded (that is 18 % of the time of 4 threads), 88 % for Mutex "counter".',
  );
  assert.match(
    text,
    "92 % of its sampled wait time was behind a holder that had taken it in increment (src/worker.js:12).",
  );
  assert.match(text, "It is held for 400 µs at a time");
});

test("locks come in the order of their total wait, with human units", () => {
  const lines = linesOf(terminalTable(hotProfile()));
  const head = lines.findIndex((line) => line.startsWith("lock"));
  assert.match(lines[head], /^lock +waited +share +waits +of takes +avg wait +max wait +avg hold$/);
  assert.match(lines[head + 1], /^Mutex "counter" +3\.20 s +88 % +6\.40k +80 % +500 µs +3\.00 ms +400 µs$/);
  const names = lines.slice(head + 1, head + 6).map((line) => line.split(/ {2,}/)[0]);
  assert.equal(names, ['Mutex "counter"', 'RwLock "cache"', 'Mutex "log"', 'Mutex "ids"', "Semaphore at 4544"]);
});

test("no line is wider than asked, at any width and with any name", () => {
  const wide = /[\u2E80-\uA4CF\uAC00-\uD7A3\uFF00-\uFF60]|\p{Emoji_Presentation}/u;
  const graphemes = new Intl.Segmenter("en");
  for (const profile of [hotProfile(), hostileProfile(), largeProfile(200, 8, 100), emptyProfile()]) {
    for (const width of [60, 80, 81, 120, 200]) {
      for (const line of linesOf(terminalTable(profile, { width }))) {
        const columns = Array.from(graphemes.segment(line)).reduce(
          (sum, { segment }) => sum + (wide.test(segment) ? 2 : 1),
          0,
        );
        assert.ok(columns <= width, `${columns} > ${width}: ${line}`);
      }
    }
  }
});

test("no name steers the terminal", () => {
  const plain = terminalTable(hostileProfile());
  assert.not.match(plain.replaceAll("\n", ""), /[\p{Cc}\u202E]/u);
  const coloured = terminalTable(hostileProfile(), { colour: true });
  assert.is(stripVTControlCharacters(coloured), plain);
});

test("what went wrong is said: deadlocks, deaths, time-outs, dropped samples, notes", () => {
  const text = terminalTable(hostileProfile()).replaceAll(/\s+/g, " ");
  assert.match(text, "16 deadlocks were found");
  assert.match(text, "8 threads died while holding a lock");
  assert.match(text, "24 waits ended by a time-out");
  assert.match(text, "17 samples found the buffer full");
});

test("many locks are cut off, and what was cut is summed up", () => {
  const lines = linesOf(terminalTable(largeProfile(200, 4, 0), { rows: 10 }));
  assert.is(
    lines.filter((line) => line.startsWith('Mutex "lock')).length +
      lines.filter((line) => line.startsWith("shard")).length,
    10,
  );
  assert.ok(lines.some((line) => /^… and 190 more locks, waited for .* in all$/.test(line)));
});

test("nothing recorded is said, not shown as an empty table", () => {
  assert.is(terminalTable(emptyProfile()), "No thread waited for a lock so far: 0 acquisitions of 0 locks.\n");
});

test("units have three significant digits and never say all of what is not", () => {
  assert.equal([0, 0.2, 5, 999.6, 1234, 12_345, 999_600, 3.2e9, 599e9, 5.4e12, 36e12].map(time), [
    "0",
    "< 1 ns",
    "5 ns",
    "1.00 µs",
    "1.23 µs",
    "12.3 µs",
    "1.00 ms",
    "3.20 s",
    "599 s",
    "90.0 min",
    "10.0 h",
  ]);
  assert.equal([0, 999, 1000, 12_345, 999_999, 2.5e9].map(shortCount), [
    "0",
    "999",
    "1.00k",
    "12.3k",
    "1.00M",
    "2.50G",
  ]);
  assert.equal([0, 0.004, 0.9999, 1, Number.NaN].map(percent), ["0 %", "< 1 %", "99 %", "100 %", "0 %"]);
});

test.run();
