// Roles of the workers of barrier-suite.ts.
import { Barrier, type BarrierHandle } from "../../src/index.ts";
import { withoutSlices } from "../support/lock-backends.ts";
import { ready, type VictimData } from "../support/victim.ts";
import { data, finish, step } from "../support/watchdog.ts";

const { role, handle, index, count, generations, words } = data<{
  role: string;
  handle: BarrierHandle;
  generations: number;
  words: Int32Array;
}>();

/** words: [actions, errors], then one plain counter a worker, then one mask of arrival indices a generation. */
async function stress(): Promise<void> {
  withoutSlices();
  const counters = words.subarray(2, 2 + count);
  const masks = words.subarray(2 + count);
  let generation = 0;
  const action = (): void => {
    // Everyone has come, and nobody goes on: the counters are all the same, and plain.
    words[0]++;
    if (counters.some((value) => value !== generation + 1)) words[1]++;
  };
  const barrier = Barrier.from(handle, { action });
  for (; generation < generations; generation++) {
    counters[index]++;
    step(`generation ${generation}`);
    const arrival = index % 4 === 3 ? await barrier.waitAsync() : barrier.wait();
    Atomics.or(masks, generation, 1 << arrival);
    if (counters.some((value) => value < generation + 1 || value > generation + 2)) Atomics.add(words, 1, 1);
  }
  finish();
}

function outcome(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}

if (role === "stress") await stress();
else if (role === "wait") {
  const barrier = Barrier.from(handle);
  step("waiting");
  try {
    finish(barrier.wait());
  } catch (error) {
    finish(outcome(error));
  }
} else if (role === "waitAsync") {
  const waiting = Barrier.from(handle).waitAsync();
  step("awaits");
  finish(await waiting.catch(outcome));
} else if (role === "victim acts") {
  const victim = data<VictimData>();
  const barrier = Barrier.from(handle, { action: () => ready(victim) });
  try {
    barrier.wait();
  } catch {
    // The others took it for dead before it was: it stays.
  }
} else if (role === "victim waits") {
  const victim = data<VictimData>();
  const barrier = Barrier.from(handle);
  void barrier.waitAsync();
  ready(victim);
}
