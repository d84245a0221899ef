// Deadlines and the checks of time-outs and signals.

import * as assert from "uvu/assert";
import { atDeadline, checkSignal, checkTimeout, deadlineIn, describe, now } from "../../src/cells/deadline.ts";
import { suite } from "../support/suite.ts";
import { codeOf, thrown } from "../support/thrown.ts";

const test = suite("deadlines");

test("a time-out is a number of milliseconds, 0 or more; none means without a limit", () => {
  for (const timeout of [0, 0.5, 1e300, Number.POSITIVE_INFINITY]) assert.is(checkTimeout(timeout), timeout);
  assert.is(checkTimeout(undefined), Number.POSITIVE_INFINITY);
  for (const timeout of [null, "5", 5n, {}, [], true, Symbol("x")])
    assert.is(
      codeOf(() => checkTimeout(timeout)),
      "TypeError",
    );
  for (const timeout of [-1, Number.NaN, Number.NEGATIVE_INFINITY, -1e-9]) {
    assert.is(
      codeOf(() => checkTimeout(timeout)),
      "RangeError",
    );
  }
});

test("a deadline lies ahead on the monotonic clock; without a limit it never comes", () => {
  const before = now();
  const deadline = deadlineIn(1000);
  assert.ok(deadline >= before + 1000 && deadline <= now() + 1000);
  assert.is(deadlineIn(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
  const real = Date.now;
  Date.now = () => real() + 1e9;
  try {
    assert.ok(deadlineIn(0) <= now(), "the wall clock has no say");
    assert.ok(deadline > now());
  } finally {
    Date.now = real;
  }
});

test("a deadline: at once when it is past, later when it is not, never for Infinity or when it was called off", async () => {
  const calls: string[] = [];
  atDeadline(now(), 0, () => calls.push("0"));
  assert.equal(calls, ["0"], "at once");
  atDeadline(now() - 50, 40, () => calls.push("past"));
  assert.equal(calls, ["0", "past"], "at once too");
  const callOff = atDeadline(now(), 5, () => calls.push("called off"));
  atDeadline(now(), Number.POSITIVE_INFINITY, () => calls.push("never"));
  callOff();
  const since = now();
  await new Promise<void>((resolve) => atDeadline(since, 20, resolve));
  assert.ok(now() - since >= 20, "not before its time");
  assert.equal(calls, ["0", "past"]);
});

test("a signal is an AbortSignal; an aborted one throws its reason", () => {
  const controller = new AbortController();
  assert.is(checkSignal(undefined), undefined);
  assert.is(checkSignal(controller.signal), controller.signal);
  for (const signal of [null, 5, "x", {}, controller])
    assert.is(
      codeOf(() => checkSignal(signal)),
      "TypeError",
    );
  const reason = new Error("enough");
  controller.abort(reason);
  assert.is(
    thrown(() => checkSignal(controller.signal)),
    reason,
  );
});

test("wrong arguments are described shortly, whatever they are", () => {
  assert.is(describe(null), "null");
  assert.is(describe("x".repeat(100)), `"${"x".repeat(40)}…"`);
  assert.is(describe(Object.create(null)), "an object (no prototype)");
  assert.is(
    describe(() => 1),
    "a function",
  );
  assert.is(describe(Symbol("s")), "symbol Symbol(s)");
  assert.is(describe(5n), "bigint 5");
});

test.run();
