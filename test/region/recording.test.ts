// The memory that waits and holds are recorded in: its histogram's buckets, the stacks, and that nothing is written while
// no recording is on. What a recording shows of real threads is in test/profile/.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { beginRecording, endRecording, sessionNow } from "../../src/profile/control.ts";
import { BUCKETS, boundOf, bucketOf, R_COUNTED, R_WAITS } from "../../src/region/record-layout.ts";
import { isRecording } from "../../src/region/record-memory.ts";
import { captureTrace, parseStack, textOf } from "../../src/region/record-stack.ts";

const test = suite("recording");

test("every time lies below its bucket's bound, and not below that of the bucket before", () => {
  for (let nanoseconds = 1; nanoseconds < 2 ** 36; nanoseconds = Math.ceil(nanoseconds * 1.07)) {
    const bucket = bucketOf(nanoseconds);
    assert.ok(nanoseconds < boundOf(bucket), `${nanoseconds} ns`);
    if (bucket > 0) assert.ok(nanoseconds >= boundOf(bucket - 1), `${nanoseconds} ns`);
    // From the second doubling on a bucket is a quarter of its doubling wide.
    if (bucket > 4 && bucket < BUCKETS - 1) assert.ok(boundOf(bucket) / boundOf(bucket - 1) <= 1.25);
  }
  assert.is(bucketOf(0), 0);
  assert.is(bucketOf(1e15), BUCKETS - 1);
});

test("the fields of a row do not overlap its histograms", () => {
  assert.ok(R_COUNTED + 2 <= R_WAITS);
});

test("a recording is on from its begin to its end, and has a number", () => {
  assert.not(isRecording());
  const before = sessionNow().number;
  beginRecording({ threshold: 1_500, sampleEvery: 3 });
  assert.ok(isRecording());
  const { number, threshold, sampleEvery, on, ended, started } = sessionNow();
  assert.equal(
    { number, threshold, sampleEvery, on },
    { number: before + 1, threshold: 2_000, sampleEvery: 3, on: true },
  );
  assert.ok(ended >= started);
  endRecording();
  assert.not(isRecording());
  assert.is(sessionNow().ended, sessionNow().ended);
});

test("a stack names who called, innermost first, and leaves no trace in Error", () => {
  const limit = Error.stackTraceLimit;
  function culprit(): string {
    return textOf(captureTrace());
  }
  const [first] = culprit().split("\n");
  const [name, file, line, column] = first.split("\t");
  assert.is(name, "culprit");
  assert.ok(file.endsWith("/test/region/recording.test.js"), file);
  assert.ok(Number(line) > 1 && Number(column) > 0);
  assert.is(Error.stackTraceLimit, limit);
  assert.ok(typeof new Error("text").stack === "string");
});

test("stacks that an engine gives as text are read in both common forms", () => {
  const v8 = "Error\n    at lock (file:///a/b.js:3:7)\n    at /c.js:1:2";
  assert.equal(parseStack(v8), [
    ["lock", "file:///a/b.js", 3, 7],
    ["(anonymous)", "/c.js", 1, 2],
  ]);
  assert.equal(parseStack("lock@http://x/y.js:3:7\n@z.js:1:2"), [
    ["lock", "http://x/y.js", 3, 7],
    ["(anonymous)", "z.js", 1, 2],
  ]);
});

test.run();
