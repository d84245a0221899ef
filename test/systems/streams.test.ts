// Streams among real threads: each event once and in order, one end, one removal, by generation; deaths and late writers.

import * as assert from "uvu/assert";
import { Barrier } from "../../src/locks/barrier.ts";
import { Event } from "../../src/locks/event.ts";
import { Region } from "../../src/region/region.ts";
import {
  type Stream,
  StreamRegistry,
  type StreamRegistryOptions,
  type Subscription,
} from "../../src/systems/streams.ts";
import { suite } from "../support/suite.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("streams");
const file = new URL("./streams.worker.js", import.meta.url);

function create(options: StreamRegistryOptions = {}): StreamRegistry {
  return new StreamRegistry({ region: Region.create(), ...options });
}

function opened(registry: StreamRegistry, key: string): Stream {
  const stream = registry.open(key);
  if (stream === undefined) throw new Error(`${key} is taken`);
  return stream;
}

function all(subscription: Subscription | undefined): string[] {
  const texts: string[] = [];
  for (let event = subscription?.tryNext(); event !== undefined; event = subscription?.tryNext())
    texts.push(event.text);
  return texts;
}

test("3 publishers, 4 readers that leave and come back: all see every event once, in one order, and the end", async () => {
  const registry = create();
  const stream = opened(registry, "plan");
  const rounds = 300;
  const readers = runWorkers<{ texts: string[]; ended: boolean }>({
    file,
    count: 4,
    workerData: { task: "read", registry: registry.share(), generation: stream.generation },
  });
  const publishers = runWorkers({
    file,
    count: 3,
    workerData: { task: "publish", registry: registry.share(), generation: stream.generation, rounds },
  });
  await publishers;
  assert.ok(stream.end("over"));
  const expected = all(stream.subscribe());
  assert.is(expected.length, 3 * rounds + 1);
  for (let index = 0; index < 3; index++) {
    const own = expected.filter((text) => text.startsWith(`${index}:`));
    assert.equal(
      own,
      [...Array(rounds).keys()].map((number) => `${index}:${number}`),
    );
  }
  for (const { result } of await readers) assert.equal(result, { texts: expected, ended: true });
});

test("of 6 threads that open, end or remove the same stream, one does it", async () => {
  const registry = create();
  const rounds = 40;
  for (const task of ["open", "end", "remove"]) {
    const barrier = new Barrier({ region: registry.region, parties: 6 });
    const workerData = { task, registry: registry.share(), rounds, barrier: barrier.share() };
    const outcomes = await runWorkers<number>({ file, count: 6, workerData });
    assert.is(
      outcomes.reduce((sum, { result }) => sum + result, 0),
      rounds,
      task,
    );
    if (task !== "end") continue;
    for (let round = 0; round < rounds; round++) {
      const subscription = registry.find(`key ${round}`)?.subscribe();
      assert.equal(all(subscription), ["over"]);
      assert.ok(subscription?.ended);
      subscription?.close();
    }
  }
  assert.equal(registry.list(), []);
});

test("a writer that comes after the end and the removal writes nowhere, not into what took the memory", async () => {
  const registry = create();
  const stream = opened(registry, "plan");
  const ended = new Event({ region: registry.region });
  let next: Stream | undefined;
  const outcomes = await runWorkers({
    file,
    count: 1,
    workerData: { task: "late", registry: registry.share(), generation: stream.generation, ended: ended.share() },
    onMessage: () => {
      stream.end("over");
      assert.ok(stream.remove());
      next = opened(registry, "plan");
      next.publish("first");
      ended.set();
    },
  });
  assert.equal(outcomes[0].result, { published: undefined, ended: false, subscribed: undefined });
  assert.equal(all(next?.subscribe()), ["first"]);
  assert.not(next?.ended);
});

test("a late clean-up removes its own generation, never the next one of the key", () => {
  const registry = create();
  const first = opened(registry, "plan");
  assert.is(registry.open("plan"), undefined);
  const reader = first.subscribe();
  first.publish("a");
  first.end();
  const second = opened(registry, "plan");
  second.publish("b");
  assert.not(first.remove(), "it is held");
  assert.equal(all(reader), ["a"]);
  reader?.close();
  reader?.close();
  assert.ok(first.remove());
  assert.not(first.remove());
  assert.is(registry.find("plan")?.generation, second.generation);
  assert.equal(all(registry.find("plan")?.subscribe()), ["b"]);
  assert.not(second.remove(), "it is open");
});

test("one who leaves ends nobody's stream; one who comes late, or back, misses nothing", async () => {
  const registry = create();
  const stream = opened(registry, "plan");
  const leaver = stream.subscribe();
  stream.publish("a");
  assert.equal(all(leaver), ["a"]);
  const position = leaver?.position;
  leaver?.close();
  stream.publish("b");
  const stayer = stream.subscribe();
  const waiting = (async () => {
    const texts: string[] = [];
    for await (const { text } of stayer ?? []) texts.push(text);
    return texts;
  })();
  stream.publish("c");
  stream.end("over");
  assert.equal(await waiting, ["a", "b", "c", "over"]);
  assert.equal(all(stream.subscribe({ from: position })), ["b", "c", "over"]);
  assert.throws(() => stream.subscribe({ from: 99 }), RangeError);
  assert.is(registry.list()[0].holds, 1);
});

test("an ended stream stays for the grace period, and as long as it is held", () => {
  let now = 1000;
  const registry = create({ now: () => now });
  const stream = opened(registry, "plan");
  const reader = stream.subscribe();
  stream.end();
  now = 1999;
  assert.is(registry.sweep({ graceMs: 1000 }), 0);
  now = 2000;
  assert.is(registry.sweep({ graceMs: 1000 }), 0, "it is held");
  reader?.close();
  now = 1999;
  assert.is(registry.sweep({ graceMs: 1000 }), 0);
  now = 2000;
  assert.is(registry.sweep({ graceMs: 1000 }), 1);
  assert.is(registry.find("plan"), undefined);
  assert.is(stream.publish("late"), undefined);
});

test("a stream whose thread is killed is ended, and a killed reader's hold is dropped", async () => {
  const registry = create();
  const stream = opened(registry, "plan");
  const ended = new Event({ region: registry.region });
  await runWorkers({
    file,
    count: 2,
    workerData: (index) => ({
      task: index === 0 ? "own" : "hold",
      registry: registry.share(),
      generation: stream.generation,
      ended: ended.share(),
    }),
    mayDie: () => true,
    onMessage: (_, index, workers) => void workers[index].terminate(),
  });
  stream.end();
  const beat = { graceMs: 0, orphaned: "the thread died" };
  const watchdog = Date.now() + 20_000;
  let texts: string[] = [];
  while (registry.list().length > 0 && Date.now() < watchdog) {
    const orphan = registry.find("orphan");
    if (orphan?.ended) {
      using subscription = orphan.subscribe();
      texts = all(subscription);
    }
    registry.sweep(beat);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(registry.list(), []);
  assert.equal(texts, ["begun", "the thread died"]);
});

test("a reader slower than the stream's capacity counts what it lost", () => {
  const registry = create({ capacity: 10 });
  const stream = opened(registry, "plan");
  const reader = stream.subscribe();
  for (let number = 0; number < 30; number++) stream.publish(String(number));
  assert.equal(
    all(reader),
    [...Array(10).keys()].map((number) => String(number + 20)),
  );
  assert.is(reader?.lost, 20);
});

test("streams leave no memory behind", () => {
  const registry = create();
  const round = (): void => {
    const stream = opened(registry, "plan");
    const reader = stream.subscribe();
    for (let number = 0; number < 20; number++) stream.publish("x".repeat(100));
    stream.end("over");
    assert.is(all(reader).length, 21);
    reader?.close();
    assert.ok(stream.remove());
  };
  // Each shard of the tables keeps a block once it has had a key, and which ones have had one depends on the hash's seed.
  // So there is growth at first, and none for a whole run later on; what a round leaves behind would show in each run.
  let before = -1;
  for (let run = 0; run < 12 && registry.region.stats().bytesUsed !== before; run++) {
    before = registry.region.stats().bytesUsed;
    for (let number = 0; number < 300; number++) round();
  }
  assert.is(registry.region.stats().bytesUsed, before);
  registry.free();
  assert.throws(
    () => registry.open("plan"),
    (error: unknown) => (error as { code?: string }).code === "ERR_CLOSED",
  );
});

test("bad arguments change nothing", () => {
  const registry = create();
  const stream = opened(registry, "plan");
  assert.throws(() => registry.open(""), TypeError);
  assert.throws(() => stream.publish(5 as unknown as string), TypeError);
  assert.throws(() => stream.end(5 as unknown as string), TypeError);
  assert.throws(() => StreamRegistry.from({} as never), TypeError);
  assert.is(stream.position, 0);
});

test.run();
