// A claim about the thread that ends async bodies which never come back: it ends nothing before they run, however long the
// process gets no time for them. Its own file: the thread is started once in a process.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { explore } from "../../src/testing/index.ts";
import { view } from "./textbook.ts";

const test = suite("watchdog of async bodies");

test("a process that is held up before its first async replay is not taken for one that never ends", async () => {
  const { wait } = Atomics;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const block = setInterval(() => void wait(cell, 0, 0, 300), 1);
  try {
    const result = await explore({
      memory: view(1),
      threads: [
        async (w: Int32Array) => {
          await Promise.resolve();
          return Atomics.add(w, 0, 1);
        },
      ],
    });
    assert.is(result.failure, undefined);
    assert.is(result.exhaustive, true);
  } finally {
    clearInterval(block);
  }
});

test.run();
