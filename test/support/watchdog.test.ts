import { test } from "uvu";
import * as assert from "uvu/assert";
import { createSteps, data, readStep, runWorkers, type WorkerRun } from "./watchdog.ts";

const file = new URL("./watchdog.worker.js", import.meta.url);

/** Workers that do what the list says, in its order. */
function behaviours(list: readonly string[], more: Partial<WorkerRun> = {}): WorkerRun {
  return { file, count: list.length, workerData: (index: number) => ({ behaviour: list[index] }), ...more };
}

async function failureOf(run: WorkerRun): Promise<Error> {
  try {
    await runWorkers(run);
  } catch (error) {
    return error as Error;
  }
  throw new Error("the run did not fail");
}

test("results, messages and exit codes come back by worker", async () => {
  const outcomes = await runWorkers<number>(behaviours(["talk", "talk", "talk"]));
  assert.equal(
    outcomes.map(({ index, result, messages, exitCode }) => ({ index, result, messages, exitCode })),
    [0, 1, 2].map((index) => ({ index, result: index * 10, messages: [`hello from ${index}`], exitCode: 0 })),
  );
});

test("one workerData serves all workers alike", async () => {
  const outcomes = await runWorkers({ file, count: 2, workerData: { behaviour: "talk" } });
  assert.equal(
    outcomes.map((outcome) => outcome.result),
    [0, 10],
  );
});

test("no workers are no failure", async () => {
  assert.equal(await runWorkers({ file, count: 0 }), []);
});

test("workers that hang are ended, and the error says where each one stood", async () => {
  const error = await failureOf(behaviours(["talk", "block", "spin"], { timeoutMs: 4000 }));
  assert.equal(error.message.split("\n"), [
    "workers still run after 4000 ms",
    '  worker 0: exited with code 0 at "finished" (step 3)',
    '  worker 1: still running at "waiting for nobody" (step 2)',
    '  worker 2: still running at "spinning" (step 2)',
  ]);
});

test("a worker that throws ends the run at once, with its error as the cause", async () => {
  const error = await failureOf(behaviours(["block", "throw"]));
  assert.match(error.message, /^worker 1 failed\n {2}worker 0: still running at /);
  assert.match(error.message, 'worker 1: threw at "about to throw" (step 2): RangeError: thrown on purpose');
  assert.instance(error.cause, RangeError);
});

test("a worker that exits with a code ends the run at once", async () => {
  const error = await failureOf(behaviours(["exit", "block"]));
  assert.match(error.message, 'worker 0: exited with code 7 without finish() at "about to exit" (step 2)');
  assert.match(error.message, "worker 1: still running at ");
});

test("a worker that exits with code 0 before finish() is a failure", async () => {
  const error = await failureOf(behaviours(["vanish"]));
  assert.match(error.message, 'worker 0: exited with code 0 without finish() at "about to vanish" (step 2)');
});

test("a worker that may die may be terminated from onMessage; the others go on", async () => {
  const outcomes = await runWorkers(
    behaviours(["wait for kill", "talk"], {
      mayDie: (index) => index === 0,
      onMessage: (message, index, workers) => {
        if (message === "ready") void workers[index].terminate();
      },
    }),
  );
  assert.equal(
    outcomes.map(({ finished, exitCode, result }) => ({ finished, exitCode, result })),
    [
      { finished: false, exitCode: 1, result: undefined },
      { finished: true, exitCode: 0, result: 10 },
    ],
  );
});

test("what onMessage throws fails the run", async () => {
  const error = await failureOf(
    behaviours(["talk", "block"], {
      onMessage: () => {
        throw new Error("unexpected message");
      },
    }),
  );
  assert.match(error.message, "onMessage threw at a message of worker 0: Error: unexpected message");
});

test("steps can be read from memory of the test's own", async () => {
  const steps = createSteps(2);
  assert.is(readStep(steps, 1), "no step taken");
  await runWorkers({ file, count: 2, steps, workerData: { behaviour: "none" } });
  assert.is(readStep(steps, 1), '"finished" (step 2)');
});

test("the worker's side refuses to work outside of a run", () => {
  assert.throws(() => data(), /no worker of runWorkers/);
});

test.run();
