// Claims about race(): forced schedules happen as written, hung runs end and say where, errors arrive.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RaceError, type RaceOptions, race } from "../../src/testing/index.ts";

const test = suite("race");

const body = new URL("./race.worker.js", import.meta.url);
const cell = (words = 4) => new Int32Array(new SharedArrayBuffer(words * 4));

async function fails(options: RaceOptions): Promise<RaceError> {
  try {
    await race(options);
  } catch (error) {
    assert.instance(error, RaceError, String((error as Error).stack));
    return error as RaceError;
  }
  assert.unreachable();
  throw new Error();
}

test("a forced schedule loses an update every time", async () => {
  for (let i = 0; i < 3; i++) {
    const data = cell();
    const script = ["0:read", "1:read", "1:written", "0:write"];
    const result = await race({ threads: 2, body, exported: "increment", data, script });
    assert.ok(result.forced);
    assert.is(data[0], 1, "one of two increments is lost");
  }
});

test("the opposite schedule loses none", async () => {
  const data = cell();
  const script = ["0:read", "0:written", "1:read", "1:written"];
  assert.ok((await race({ threads: 2, body, exported: "increment", data, script })).forced);
  assert.is(data[0], 2);
});

test("a lock keeps the bad schedule from happening, and the race says so and goes on", async () => {
  const data = cell();
  const script = ["0:read", "1:read", "1:written", "0:write"];
  const result = await race({ threads: 2, body, exported: "lockedIncrement", data, script, patience: 50 });
  assert.not(result.forced);
  assert.ok(result.missed > 0);
  assert.is(data[0], 2);
});

test("rounds begin together, and every round's value comes back", async () => {
  const data = cell();
  const result = await race({ threads: 3, body, exported: "rounds", data, rounds: 50 });
  assert.equal(
    result.values.map((v) => v.length),
    [50, 50, 50],
  );
  assert.is(data[0], 150);
  assert.not(result.values.flat().includes("out of step"));
});

test("async bodies are awaited", async () => {
  const result = await race({ threads: ["a", "b"], body, exported: "later" });
  assert.equal(result.values, [["a"], ["b"]]);
});

test("a hung run ends, and says where each thread stood", async () => {
  const error = await fails({ threads: ["first", "second"], body, exported: "hang", data: cell(), within: 700 });
  assert.is(error.code, "ERR_RACE_HUNG");
  assert.equal(error.places, ["first: asleep on word 0", "second: ended"]);
});

test("a thread that computes for ever is ended too", async () => {
  const error = await fails({ threads: 1, body, exported: "spin", within: 500 });
  assert.equal(error.places, ["thread 0: spinning"]);
});

test("an exception in a body, and a worker that ends early, end the race", async () => {
  const thrown = await fails({ threads: 2, body, exported: "throws" });
  assert.is(thrown.code, "ERR_RACE_FAILED");
  assert.match(thrown.message, /thread 1 threw RangeError: from the body/);
  const gone = await fails({ threads: 2, body, exported: "leaves" });
  assert.match(gone.message, /ended with code 7 before its body did/);
  const missing = await fails({ threads: 1, body, exported: "nothing" });
  assert.match(missing.message, /exports no function "nothing"/);
});

test("a script with a thread that does not exist is refused", async () => {
  try {
    await race({ threads: 2, body, exported: "later", script: ["2:read"] });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, RangeError);
  }
});

test.run();
