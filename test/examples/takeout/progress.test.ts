import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatClock, Progress, renderBar, renderLine } from "../../../examples/takeout/progress.ts";

const test = suite("examples/takeout/progress");
const half = { label: "Reading pages", done: 1000, total: 2000, elapsed: 4000 };

test("the bar shows how far, how fast and how long still, and never more than the terminal's width", () => {
  assert.is(
    renderBar(half, 100),
    `Reading pages  ${"█".repeat(14)}${"░".repeat(14)}   50%  1000/2000  250/s, 0:04 left`,
  );
  for (const columns of [1, 10, 40, 80]) assert.ok(renderBar(half, columns).length < columns || columns === 1);
  assert.match(renderBar({ ...half, done: 2000 }, 100), /100% {2}2000\/2000 {2}500\/s$/);
  assert.match(renderBar({ ...half, done: 0, total: 0 }, 100), "100%");
});

test("a line says the same in words", () => {
  assert.is(renderLine(half), "Reading pages: 1000/2000  250/s, 0:04 left");
  assert.is(renderLine({ ...half, done: 0 }), "Reading pages: 0/2000  0.0/s");
  assert.equal([0, 59.6, 75, 3700].map(formatClock), ["0:00", "1:00", "1:15", "1:01:40"]);
});

function show(isTTY: boolean): string {
  let now = 0;
  let text = "";
  const progress = new Progress({ isTTY, columns: 80, write: (part: string) => (text += part) }, () => now);
  progress.start("Work", 100);
  for (let done = 1; done <= 100; done++) {
    now += 10;
    progress.update(done);
  }
  progress.finish();
  return text;
}

test("without a terminal: plain lines, one in ten percent, and a last one", () => {
  const lines = show(false).trimEnd().split("\n");
  assert.is(lines.length, 10);
  assert.is(lines[0], "Work: 10/100  100/s, 0:01 left");
  assert.is(lines[9], "Work: 100/100  100/s");
  assert.not(show(false).includes("\u001b"));
});

test("on a terminal: one line rewritten, gone at the end, then a plain one", () => {
  const text = show(true);
  assert.is(text.split("\n").length, 2);
  assert.ok(text.endsWith("\r\u001b[KWork: 100/100  100/s\n"));
});

test.run();
