// The simulated Atomics gives what the real one gives, for every element type: one thread, random operations.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { check } from "../../src/testing/index.ts";
import { random } from "../../src/testing/sampler.ts";

const test = suite("simulated Atomics");

type View = Int32Array<SharedArrayBuffer>;
type Make = new (buffer: SharedArrayBuffer) => View;

const TYPES = [
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
] as unknown as Make[];

const NAMES = ["load", "store", "add", "sub", "and", "or", "xor", "exchange", "compareExchange"] as const;

function run(view: View, seed: number, big: boolean): string {
  const draw = random(seed);
  const out: unknown[] = [];
  const value = (): number => {
    const n = Math.floor((draw() - 0.5) * 2 ** Math.ceil(draw() * 40));
    return (big ? BigInt(n) : n) as number;
  };
  for (let i = 0; i < 60; i++) {
    const name = NAMES[Math.floor(draw() * NAMES.length)];
    const at = Math.floor(draw() * view.length);
    const call = Atomics[name] as (v: View, at: number, a?: number, b?: number) => unknown;
    const expected = draw() < 0.5 ? Atomics.load(view, at) : value();
    out.push(`${name} ${String(call(view, at, name === "compareExchange" ? expected : value(), value()))}`);
    if (i % 7 === 0) {
      view[at] = value();
      out.push(view[at], view.length, [...view].join());
    }
  }
  return out.join("; ");
}

for (const Type of TYPES) {
  test(`${Type.name}: results and memory agree with the real ones`, async () => {
    const big = Type.name.startsWith("Big");
    for (let seed = 0; seed < 20; seed++) {
      const expected = run(new Type(new SharedArrayBuffer(32)), seed, big);
      const memory = new Type(new SharedArrayBuffer(32));
      await check({
        memory,
        threads: [(view: View) => run(view, seed, big)],
        final: (_view, [thread]) => assert.is(thread.value, expected),
      });
    }
  });
}

test("two views of one buffer are one memory, and new views made by a body too", async () => {
  const buffer = new SharedArrayBuffer(16);
  const memory = { words: new Int32Array(buffer), bytes: new Uint8Array(buffer, 4, 4), buffer };
  await check({
    memory,
    threads: [
      (m: typeof memory) => {
        Atomics.store(m.words, 1, 0x04030201);
        const again = new Uint16Array(m.buffer, 4, 2);
        const sub = m.words.subarray(1, 2);
        return [Atomics.load(m.bytes, 2), again[1], sub[0], sub.length, m.words instanceof Int32Array].join();
      },
    ],
    final: (m, [thread]) => {
      assert.is(thread.value, [3, 0x0403, 0x04030201, 1, true].join());
      assert.is(m.bytes[0], 1);
    },
  });
});

test("what the memory holds at the start is there, and methods of views work on it", async () => {
  const memory = new Int32Array(new SharedArrayBuffer(16));
  memory.set([3, 1, 2]);
  const result = await check<Int32Array>({
    memory,
    threads: [
      (w) => {
        const copy = w.slice(0, 3);
        copy.sort();
        w.set(copy, 1);
        w.fill(9, 0, 1);
        return `${w.join()} ${w.indexOf(3)} ${w.includes(7)} ${Math.max(...w)}`;
      },
    ],
    final: (_w, [thread]) => assert.is(thread.value, "9,1,2,3 3 false 9"),
  });
  assert.ok(result.ok);
  assert.equal([...memory], [3, 1, 2, 0], "the caller's memory is not touched");
});

test("bad indices and types throw what they throw with the real Atomics", async () => {
  const errors = new Set<string>();
  const attempt = (call: () => unknown): string => {
    try {
      call();
      return "no error";
    } catch (error) {
      return (error as Error).name;
    }
  };
  const all = (w: Int32Array): string =>
    [
      attempt(() => Atomics.load(w, 4)),
      attempt(() => Atomics.load(w, -1)),
      attempt(() => Atomics.load([1] as never, 0)),
      attempt(() => Atomics.add(w, 0, 1n as never)),
      attempt(() => Atomics.isLockFree(4)),
    ].join();
  const expected = all(new Int32Array(new SharedArrayBuffer(16)));
  await check<Int32Array>({
    memory: new Int32Array(new SharedArrayBuffer(16)),
    threads: [all],
    final: (_w, [thread]) => void errors.add(String(thread.value)),
  });
  assert.equal([...errors], [expected]);
});

test.run();
