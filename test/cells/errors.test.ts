// Errors: class and code, and how they cross to another thread.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import * as assert from "uvu/assert";
import * as errors from "../../src/cells/errors.ts";
import { suite } from "../support/suite.ts";
import { thrown } from "../support/thrown.ts";

const { HoldfastError, OwnerDiedError, RegionError, TimeoutError } = errors;
const test = suite("errors");

test("an error is of its class, of HoldfastError and of Error, and says its code", () => {
  const error = new TimeoutError("ERR_TIMEOUT", "too late", { timeout: 5 });
  assert.instance(error, TimeoutError);
  assert.instance(error, HoldfastError);
  assert.instance(error, Error);
  assert.is(error.code, "ERR_TIMEOUT");
  assert.is(error.name, "TimeoutError [ERR_TIMEOUT]");
  assert.is(String(error), "TimeoutError [ERR_TIMEOUT]: too late");
  // V8 takes the name for the stack's first line, JavaScriptCore the word Error.
  assert.match(error.stack ?? "", /^(TimeoutError \[ERR_TIMEOUT\]|Error): too late\n/);
  assert.equal(error.info, { timeout: 5 });
});

interface Posted {
  readonly shared: errors.SharedError;
  readonly seen: {
    readonly class: string;
    readonly name: string;
    readonly message: string;
    readonly stack: string;
    readonly code: string;
  };
}

test("share() and from() keep class, code, message, stack, info and cause across a real postMessage", async () => {
  const worker = new Worker(new URL("./errors.worker.js", import.meta.url));
  const posted: Posted[] = [];
  worker.on("message", (message: Posted) => posted.push(message));
  await once(worker, "exit");
  assert.is(posted.length, 8);
  for (const { shared, seen } of posted) {
    const error = HoldfastError.from(shared);
    const { name, message, stack, code } = error;
    assert.equal({ class: error.constructor.name, name, message, stack, code }, seen);
    assert.instance(error, HoldfastError);
  }
  const [timeout, region, table, , , broken, , died] = posted.map(({ shared }) => HoldfastError.from(shared));
  assert.equal(timeout.info, { timeout: 12.5, owner: undefined, waiters: 3 });
  const cause = region.cause as errors.TimeoutError;
  assert.instance(cause, TimeoutError);
  assert.equal(cause.info, { timeout: 5 });
  assert.instance(cause.cause, RangeError);
  assert.is((cause.cause as Error).message, "innermost");
  assert.equal(table.info, { key: "é\ud800" });
  assert.equal(table.cause, { plain: [1, 2] });
  assert.is(broken.cause, "a string");
  assert.not.ok("cause" in timeout);
  assert.instance(died, OwnerDiedError);
  assert.is((died as errors.OwnerDiedError).guard, undefined, "a guard never crosses");
});

test("a guard is neither shown nor shared", () => {
  const error = OwnerDiedError.holding({ secret: 1 }, "died");
  assert.not.ok(Object.keys(error).includes("guard"));
  assert.not.ok("guard" in error.share());
  structuredClone(error.share());
});

test("every code comes back as the class that threw it", () => {
  const classes: [errors.ErrorCode, string][] = [
    ["ERR_TIMEOUT", "TimeoutError"],
    ["ERR_NOT_OWNER", "NotOwnerError"],
    ["ERR_WOULD_DEADLOCK", "WouldDeadlockError"],
    ["ERR_DEADLOCK", "DeadlockError"],
    ["ERR_OWNER_DIED", "OwnerDiedError"],
    ["ERR_NOT_RECOVERABLE", "NotRecoverableError"],
    ["ERR_BLOCKING_FORBIDDEN", "BlockingForbiddenError"],
    ["ERR_CLOSED", "ClosedError"],
    ["ERR_SEALED", "ClosedError"],
    ["ERR_IN_USE", "HoldfastError"],
    ["ERR_REGION_KIND", "RegionError"],
    ["ERR_TABLE_VALUE", "TableError"],
  ];
  for (const [code, name] of classes) {
    const shared = { ...new HoldfastError(code, "x").share() };
    assert.is(HoldfastError.from(shared).constructor.name, name);
  }
});

test("a cause that structured clone refuses is told in words; one that goes round ends", () => {
  const withFunction = new RegionError("ERR_REGION_FULL", "x", {}, { cause: () => 1 });
  assert.is(structuredClone(withFunction.share()).cause, "() => 1");
  const withSymbol = new RegionError("ERR_REGION_FULL", "x", {}, { cause: Symbol("why") });
  assert.is(structuredClone(withSymbol.share()).cause, "Symbol(why)");
  const round = new RegionError("ERR_REGION_FULL", "x");
  round.cause = round;
  const again = HoldfastError.from(structuredClone(round.share()));
  assert.is(again.message, "x");
});

test("from refuses what is no shared error", () => {
  const good = new TimeoutError("ERR_TIMEOUT", "x").share();
  for (const data of [
    null,
    undefined,
    5,
    "x",
    {},
    [],
    new Error("x"),
    { ...good, code: 5 },
    { ...good, message: null },
    { ...good, holdfast: "mutex" },
  ]) {
    assert.instance(
      thrown(() => HoldfastError.from(data)),
      TypeError,
    );
  }
  const bare = HoldfastError.from({ ...good, info: undefined, stack: undefined, cause: undefined });
  assert.equal(bare.info, {});
  assert.equal(HoldfastError.from({ ...good, info: 5 }).info, {});
});

test.run();
