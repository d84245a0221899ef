// What only a process of its own can show: what keeps it alive, what it leaves behind, what it allocates.

import { execFile } from "node:child_process";
import * as assert from "uvu/assert";
import { suite } from "../support/suite.ts";

const test = suite("Mutex in a process of its own");
const index = JSON.stringify(new URL("../../src/index.js", import.meta.url).href);

interface Ended {
  readonly code: number | string | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a module in a new process, which a watchdog ends after 20 s. */
function run(program: string, flags: readonly string[] = []): Promise<Ended> {
  const source = `import { Mutex, ReentrantMutex, Region, RwLock, Semaphore, StampedLock } from ${index};\nimport { Worker } from "node:worker_threads";\n${program}`;
  return new Promise((resolve) => {
    const args = [...flags, "--input-type=module", "--eval", source];
    execFile(process.execPath, args, { timeout: 20_000, encoding: "utf8" }, (error, output, errors) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? null), output, errors });
    });
  });
}

/** A worker's program: it has the same imports, and `mutex`. */
const worker = (program: string): string =>
  `new Worker(\`import(${index.replaceAll('"', "'")}).then(async ({ Mutex }) => { const mutex = Mutex.named("x"); ${program} })\`, { eval: true })`;

test("importing holdfast, and making and using locks, does not keep the process alive", async () => {
  const ended = await run(`
    const mutex = Mutex.named("x");
    mutex.lock(); mutex.unlock();
    (await mutex.lockAsync()).release();
    await mutex.withLockAsync(async () => {});
    mutex.lock();
    console.log("end");
  `);
  assert.equal(ended, { code: 0, output: "end\n", errors: "" });
});

test("an awaited lock keeps the process alive until it is had", async () => {
  const ended = await run(`
    const mutex = Mutex.named("x");
    const worker = ${worker("mutex.lock(); process.getBuiltinModule('node:worker_threads').parentPort.postMessage(0); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400); mutex.unlock();")};
    worker.unref();
    await new Promise((resolve) => worker.once("message", resolve));
    worker.unref();
    mutex.lockAsync().then((guard) => { console.log("had"); guard.release(); });
  `);
  assert.equal(ended, { code: 0, output: "had\n", errors: "" });
});

test("an awaited lock keeps a worker alive until it is had", async () => {
  const ended = await run(`
    const mutex = Mutex.named("x");
    mutex.lock();
    const worker = ${worker("process.getBuiltinModule('node:worker_threads').parentPort.postMessage(0); mutex.lockAsync().then((guard) => { console.log('had'); guard.release(); });")};
    await new Promise((resolve) => worker.once("message", resolve));
    setTimeout(() => mutex.unlock(), 300);
  `);
  assert.equal(ended, { code: 0, output: "had\n", errors: "" });
});

test("a wait that ended by time-out or abort no longer keeps it alive, though the lock is still held", async () => {
  const ended = await run(`
    const mutex = Mutex.named("x");
    mutex.lock();
    const controller = new AbortController();
    const failures = [
      mutex.lockAsync({ timeout: 5 }),
      mutex.lockAsync({ timeout: 1e9, signal: controller.signal }),
      mutex.lockAsync({ signal: controller.signal }),
    ].map((promise) => promise.catch((error) => error.name === 'AbortError' ? error.name : error.code));
    setTimeout(() => controller.abort(), 10);
    console.log(await Promise.all(failures).then(String));
  `);
  assert.equal(ended, { code: 0, output: "ERR_TIMEOUT,AbortError,AbortError\n", errors: "" });
});

test("no waitAsync carries a time-out, and waits that come and go arm no more than one for a lock", async () => {
  const ended = await run(`
    const calls = [];
    const real = Atomics.waitAsync;
    Atomics.waitAsync = (...args) => { calls.push(args); return real(...args); };
    const mutex = new Mutex({ region: Region.create() });
    const guard = mutex.lock();
    calls.length = 0;
    for (let k = 0; k < 1000; k++) {
      await mutex.lockAsync({ timeout: 0 }).catch(() => {});
      const controller = new AbortController();
      const task = mutex.lockAsync({ signal: controller.signal, timeout: 1e6 }).catch(() => {});
      controller.abort();
      await task;
    }
    const armed = calls.length;
    const tasks = Array.from({ length: 100 }, (_, k) => mutex.withLockAsync(() => k));
    guard.release();
    await Promise.all(tasks);
    console.log(armed, calls.every((args) => args.length === 3), process.getActiveResourcesInfo().includes("Timeout"));
  `);
  assert.equal(ended, { code: 0, output: "1 true false\n", errors: "" });
});

test("50,000 waits that time out leave the heap as it was", async () => {
  const ended = await run(
    `
    const mutex = new Mutex({ region: Region.create() });
    const guard = mutex.lock();
    const round = async (n) => { for (let k = 0; k < n; k++) await mutex.lockAsync({ timeout: 0 }).catch(() => {}); };
    await round(1000);
    gc();
    const before = process.memoryUsage().heapUsed;
    await round(50_000);
    gc();
    console.log(process.memoryUsage().heapUsed - before);
  `,
    ["--expose-gc"],
  );
  assert.is(ended.code, 0, ended.errors);
  assert.ok(Number(ended.output) < 1e6, `${ended.output} bytes`);
});

for (const wasm of [true, false]) {
  test(`10 million pairs of lock() and unlock() move the heap by less than 1 MB, ${wasm ? "with" : "without"} WebAssembly`, async () => {
    const ended = await run(`
      const mutex = new Mutex({ region: Region.create({ wasm: ${wasm} }) });
      const pairs = (n) => { for (let k = 0; k < n; k++) { mutex.lock(); mutex.unlock(); } };
      pairs(1_000_000);
      const before = process.memoryUsage().heapUsed;
      pairs(10_000_000);
      console.log(process.memoryUsage().heapUsed - before);
    `);
    assert.is(ended.code, 0, ended.errors);
    assert.ok(Math.abs(Number(ended.output)) < 1e6, `${ended.output} bytes`);
  });
}

test("10 million pairs of the other locks move the heap by less than 1 MB each", async () => {
  // Guards are objects: of those, what the collector leaves is counted.
  const ended = await run(
    `
    const region = Region.create();
    const loops = [
      [new ReentrantMutex({ region }), "lock.lock(); lock.unlock();"],
      [new RwLock({ region }), "lock.read().release();"],
      [new RwLock({ region }), "lock.write().release();"],
      [new StampedLock({ region }), "lock.validate(lock.optimisticRead());"],
      [new Semaphore({ region, permits: 2 }), "lock.acquire(); lock.release();"],
    ];
    const moved = loops.map(([lock, pair]) => {
      const pairs = new Function("lock", "n", "for (let k = 0; k < n; k++) { " + pair + " }");
      pairs(lock, 1_000_000);
      const used = () => {
        if (lock instanceof RwLock) gc();
        return process.memoryUsage().heapUsed;
      };
      const before = used();
      pairs(lock, 10_000_000);
      return used() - before;
    });
    console.log(JSON.stringify(moved));
  `,
    ["--expose-gc"],
  );
  assert.is(ended.code, 0, ended.errors);
  for (const bytes of JSON.parse(ended.output) as number[]) assert.ok(Math.abs(bytes) < 1e6, ended.output);
});

test("50,000 mutexes that were awaited leave no queue behind", async () => {
  const ended = await run(
    `
    const region = Region.create();
    const round = async (n) => {
      for (let k = 0; k < n; k++) {
        const mutex = new Mutex({ region });
        (await mutex.lockAsync()).release();
      }
    };
    await round(100);
    gc();
    const before = process.memoryUsage().heapUsed;
    await round(50_000);
    gc();
    console.log(process.memoryUsage().heapUsed - before);
  `,
    ["--expose-gc"],
  );
  assert.is(ended.code, 0, ended.errors);
  assert.ok(Number(ended.output) < 1e6, `${ended.output} bytes`);
});

test("a region that nothing refers to any more gives its thread's seat back", async () => {
  const ended = await run(
    `
    let own = Region.create();
    const kept = new Int32Array(own.share().memory.buffer);
    new Mutex({ region: own }).lock();
    const seats = () => kept[1024 + 1] & 3;
    const before = seats();
    own = undefined;
    for (let k = 0; k < 200 && seats() !== 0; k++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
    console.log(before, seats());
  `,
    ["--expose-gc"],
  );
  assert.equal(ended, { code: 0, output: "1 0\n", errors: "" });
});

test.run();
