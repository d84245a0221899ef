// One worker of the spinning benchmark: opens every subject's lock once, then runs the one that it is told to, again and
// again, each in a loop of its own that its calls are inlined into.

import { workerData } from "node:worker_threads";
import { poke } from "../src/cells/atomics.ts";
import { Mutex, type MutexHandle, Region } from "../src/index.ts";
import { POLICY } from "../src/protocols/mutex.ts";
import { reviewed, SLEEPS } from "../src/protocols/spin-policy.ts";
import { type Spinning, spinningWithin } from "../src/region/spinning.ts";
import { type Rival, threeStateFutexLock } from "./rivals/hand-written.ts";
import { multithreading } from "./rivals/multithreading.ts";
import { spinningLock } from "./rivals/spinning-lock.ts";
import { LOOKS, OVER, PHASE, READY, type SpinData, SUBJECT } from "./spin-row.ts";

type Loop = (phase: number) => number;

const { index, steps, control, counts, shared, ...data } = workerData as SpinData;

/** Operations between two looks at the clock's phase. */
const BATCH = steps > 100 ? 1 : 64;

const BODY = `
  const cells = Atomics;
  function work(value) {
    for (let i = 0; i < steps; i++) value = (Math.imul(value, 31) + i) | 0;
    return value;
  }
  return (phase) => {
    let operations = 0;
    let value = 1;
    while (cells.load(control, 0) === phase) {
      for (let k = 0; k < batch; k++) {
        lock.lock();
        value = work(value);
        shared[0] += 1;
        lock.unlock();
        value = work(value);
        operations++;
      }
    }
    // The value is used, so that the work is not left out.
    return value === 0.5 ? 0 : operations;
  };`;

/** The mutex; with a number of looks, one that does not learn how long to spin. */
function open(handle: MutexHandle, looks: number | undefined): Mutex {
  const region = Region.from(handle.region);
  if (looks !== undefined) {
    const spinning = looks === 0 ? undefined : spinningWithin(-looks, region.memory, region.core);
    (region as { spinning: Spinning | undefined }).spinning = spinning;
    // As a lock that has learnt it: its releases go by the same.
    poke(region.memory.words, (handle.offset >> 2) + POLICY, looks === 0 ? SLEEPS : reviewed(0, FIXED_RATE));
  }
  return Mutex.from(handle);
}

/** Some 3 million holds a second, as a rate of the policy. */
const FIXED_RATE = 277;

let made = 0;
/** V8 knows a source that it has seen: with the same text, all subjects would share one loop and its inline caches. */
function compile(body: string): (...variables: unknown[]) => Loop {
  const source = `// subject ${made++}${body}`;
  return new Function("lock", "steps", "batch", "control", "shared", source) as ReturnType<typeof compile>;
}

function loopOver(lock: Pick<Rival, "unlock"> & { lock(): unknown }): Loop {
  return compile(BODY)(lock, steps, BATCH, control, shared);
}

async function peerLoop(buffer: SharedArrayBuffer): Promise<Loop> {
  const { Mutex: PeerMutex } = await multithreading();
  const mutex = new PeerMutex(undefined, buffer);
  const body = BODY.replace("lock.lock()", "const guard = lock.blockingLock()").replace(
    "lock.unlock()",
    "guard.dispose()",
  );
  return compile(body)(mutex, steps, BATCH, control, shared);
}

const rivals = async (): Promise<Loop[]> => [
  ...LOOKS.map((looks, at) => loopOver(spinningLock(data.module, data.memory, 1024 * (at + 1), looks))),
  loopOver(threeStateFutexLock(shared.subarray(64))),
  await peerLoop(data.peer),
];

function settled(): void {
  Atomics.add(control, READY, 1);
  Atomics.notify(control, READY);
}

const { own } = data;
const loops: Loop[] = own === undefined ? await rivals() : [loopOver(open(own.handle, own.looks))];

let ran = 0;
settled();
for (let phase = 0; ; ) {
  Atomics.wait(control, PHASE, phase);
  phase = Atomics.load(control, PHASE);
  if (phase === OVER) break;
  const running = phase % 2 === 1;
  // On a busy machine this thread may have slept through a whole run.
  if (!running && ran === phase - 1) continue;
  ran = running ? phase : phase - 1;
  counts[index] = running ? loops[Atomics.load(control, SUBJECT)](phase) : 0;
  settled();
}
