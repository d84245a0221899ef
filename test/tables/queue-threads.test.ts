// watchdog: 300s
// native: too
// SharedQueue among real threads: nothing lost, nothing twice, each producer's order kept; killed threads; waits.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { SharedQueue } from "../../src/tables/queue.ts";
import { effort } from "../support/effort.ts";
import { runWorkers } from "../support/watchdog.ts";
import { random } from "./judge.ts";

const test = suite("SharedQueue among threads");
const file = new URL("./queue.worker.js", import.meta.url);
const timeoutMs = 240_000;

interface Shape {
  readonly producers: number;
  readonly consumers: number;
  readonly rounds: number;
  readonly capacity: number;
  readonly maxBytes?: number;
  /** Whether worker `index` awaits instead of blocking. */
  readonly asynchronous?: (index: number) => boolean;
}

function inputs(queue: SharedQueue, { producers, rounds, asynchronous = () => false }: Shape, buffers: Buffers) {
  return (index: number): object => ({
    ...buffers,
    queue: queue.share(),
    rounds,
    producers,
    asynchronous: asynchronous(index),
    task: index < producers ? "produce" : "consume",
  });
}

interface Buffers {
  readonly seen: SharedArrayBuffer;
  readonly progress: SharedArrayBuffer;
}

function makeBuffers({ producers, consumers, rounds }: Shape): Buffers {
  return {
    seen: new SharedArrayBuffer(producers * rounds),
    progress: new SharedArrayBuffer((producers + consumers) * 8),
  };
}

async function flow(shape: Shape): Promise<void> {
  const { producers, consumers, rounds, capacity, maxBytes } = shape;
  const queue = new SharedQueue({ region: Region.create(), capacity, maxBytes });
  const buffers = makeBuffers(shape);
  const done = new Int32Array(buffers.progress);
  const closing = setInterval(() => {
    for (let producer = 0; producer < producers; producer++) {
      if (Atomics.load(done, 2 * producer + 1) < rounds) return;
    }
    queue.close();
    clearInterval(closing);
  }, 2);
  try {
    const count = producers + consumers;
    const outcomes = await runWorkers<number>({
      file,
      count,
      workerData: inputs(queue, shape, buffers),
      timeoutMs,
    });
    const taken = outcomes.slice(producers).reduce((sum, { result }) => sum + result, 0);
    assert.is(taken, producers * rounds);
  } finally {
    clearInterval(closing);
  }
  assert.ok(new Uint8Array(buffers.seen).every((count) => count === 1));
  assert.is(queue.size, 0);
  assert.equal(queue.check().problems, []);
}

test("1 producer, 1 consumer, room for one", () =>
  flow({ producers: 1, consumers: 1, rounds: effort(800, 2000), capacity: 1 }));

test("8 producers, 8 consumers, much room", () =>
  flow({ producers: 8, consumers: 8, rounds: effort(800, 2000), capacity: 1000 }));

test("8 producers, 8 consumers, room for two", () =>
  flow({ producers: 8, consumers: 8, rounds: effort(300, 600), capacity: 2 }));

test("12 producers, 1 consumer, few bytes: who fits goes on", () =>
  flow({ producers: 12, consumers: 1, rounds: 300, capacity: 5, maxBytes: 150 }));

test("1 producer, 12 consumers", () => flow({ producers: 1, consumers: 12, rounds: effort(800, 2000), capacity: 3 }));

test("blocking and awaiting threads in one queue", () =>
  flow({
    producers: 5,
    consumers: 5,
    rounds: effort(300, 600),
    capacity: 2,
    asynchronous: (index) => index % 2 === 0,
  }));

test("a value wakes a sleeping consumer, a pop wakes a sleeping producer", async () => {
  const queue = new SharedQueue({ region: Region.create(), capacity: 1 });
  const shape = { producers: 0, consumers: 1, rounds: 0, capacity: 1 };
  const common = { ...inputs(queue, shape, makeBuffers(shape))(0), queue: queue.share() };
  const consumer = await runWorkers({
    file,
    count: 1,
    workerData: { ...common, task: "block" },
    onMessage: () => void setTimeout(() => queue.push("for you"), 20),
  });
  assert.is(consumer[0].result, "for you");
  queue.push("in the way");
  const producer = await runWorkers({
    file,
    count: 1,
    workerData: { ...common, task: "blockPush" },
    onMessage: () => void setTimeout(() => assert.is(queue.pop(), "in the way"), 20),
  });
  assert.is(producer[0].result, "pushed");
  assert.is(queue.pop(), "more");
});

test("close and free wake everyone who sleeps", async () => {
  for (const end of ["close", "free"] as const) {
    const queue = new SharedQueue({ region: Region.create(), capacity: 1 });
    queue.push("full");
    const shape = { producers: 3, consumers: 0, rounds: 0, capacity: 1 };
    const common = inputs(queue, shape, makeBuffers(shape))(0);
    let waiting = 0;
    const outcomes = await runWorkers({
      file,
      count: 3,
      workerData: { ...common, task: "blockPush" },
      onMessage: () => {
        if (++waiting === 3) setTimeout(() => queue[end](), 20);
      },
    });
    for (const { result } of outcomes) assert.is(result, "ERR_CLOSED");
  }
});

test("the event loop stays alive while a task waits, and only then", async () => {
  const queue = new SharedQueue({ region: Region.create(), capacity: 1 });
  const shape = { producers: 0, consumers: 1, rounds: 0, capacity: 1 };
  const outcomes = await runWorkers({
    file,
    count: 1,
    workerData: { ...inputs(queue, shape, makeBuffers(shape))(0), task: "linger" },
    onMessage: () => void setTimeout(() => queue.push("value"), 50),
  });
  assert.equal(outcomes[0].result, ["value", "ERR_TIMEOUT", "aborted"]);
});

test("killed threads lose what they had in hand, nothing else, and block nobody", async () => {
  for (const capacity of [2, 200]) await storm(capacity);
});

async function storm(capacity: number): Promise<void> {
  const mortals = 12;
  const shape = { producers: 10, consumers: 10, rounds: 400, capacity, asynchronous: (i: number) => i % 4 === 3 };
  const { producers, consumers, rounds } = shape;
  const queue = new SharedQueue({ region: Region.create(), capacity });
  const buffers = makeBuffers(shape);
  const cells = new Int32Array(buffers.progress);
  const input = inputs(queue, shape, buffers);
  // Of the producers the first 6 are killed, of the consumers the first 6 as well.
  const isMortal = (index: number): boolean => index < 6 || (index >= producers && index < producers + 6);
  const next = random(capacity);
  const limits = Array.from({ length: producers + consumers }, (_, index) =>
    isMortal(index) ? 20 + next(250) : Number.POSITIVE_INFINITY,
  );
  let watch: NodeJS.Timeout | undefined;
  const run = runWorkers({
    file,
    count: producers + consumers,
    workerData: input,
    timeoutMs,
    mayDie: isMortal,
    onMessage: (_, __, workers) => {
      // Every worker says that it begins.
      watch ??= setInterval(() => {
        let producing = false;
        workers.forEach((worker, index) => {
          if (Atomics.load(cells, 2 * index + 1) >= limits[index]) {
            limits[index] = Number.POSITIVE_INFINITY;
            void worker.terminate();
          }
          if (index < producers && worker.threadId !== -1 && cells[2 * index + 1] < rounds) producing = true;
        });
        if (!producing) queue.close();
      }, 1);
    },
  });
  const outcomes = await run.finally(() => clearInterval(watch));
  const killed = outcomes.filter(({ finished }) => !finished);
  assert.ok(killed.length <= mortals, `${killed.length} killed`);
  judge(shape, buffers, killed.filter(({ index }) => index >= producers).length);
  assert.is(queue.size, 0);
  assert.equal(queue.check().problems, []);
}

function judge({ producers, rounds }: Shape, { seen, progress }: Buffers, killedConsumers: number): void {
  const marks = new Uint8Array(seen);
  const cells = new Int32Array(progress);
  let lost = 0;
  for (let producer = 0; producer < producers; producer++) {
    const [begun, done] = cells.subarray(2 * producer, 2 * producer + 2);
    for (let number = 0; number < rounds; number++) {
      const count = marks[producer * rounds + number];
      assert.ok(count <= 1, `${producer}:${number} came twice`);
      if (number < done && count === 0) lost++;
      if (number >= begun) assert.is(count, 0);
    }
  }
  assert.ok(lost <= killedConsumers, `${lost} values lost, ${killedConsumers} consumers killed`);
}

test.run();
