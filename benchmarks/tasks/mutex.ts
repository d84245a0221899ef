// A lock under contention: so many steps of work inside it and so many outside, and a plain `+= 1` inside, so that a lock
// that lets two in shows as a lost count. One acquisition a batch is timed: a clock costs as much as a lock.

import { type AsyncLock, type CallLock, makeLock, openLock, type PairLock } from "../rivals/locks.ts";
import type { Job, Task, Waits } from "../task.ts";
import { workFor } from "../task.ts";
import type { Params } from "../team.ts";

interface Data {
  readonly lock: unknown;
  readonly counter: Int32Array;
}

export const mutexTask: Task = {
  async prepare({ subject }) {
    const lock = await makeLock(subject);
    const counter = new Int32Array(new SharedArrayBuffer(128));
    let before = 0;
    return {
      fixedRounds: false,
      give: () => {
        const { data, transfer } = lock.give();
        return { data: { lock: data, counter } satisfies Data, transfer };
      },
      begin: () => {
        before = counter[0];
      },
      verdict: (operations) => {
        const counted = (counter[0] - before) | 0;
        return counted === (operations | 0) ? undefined : `lost counts: ${operations} operations, ${counted} counted`;
      },
    };
  },
  async open(data, { subject, params }, _seat, waits) {
    const { lock: given, counter } = data as Data;
    const lock = await openLock(subject, given);
    const batch = params.steps + params.think > 500 ? 4 : 64;
    if (lock.face === "pair") return { batch, run: pairs(lock, counter, params, waits) };
    if (lock.face === "call") return { batch, run: calls(lock, counter, params, waits) };
    return { batch: 4, run: promises(lock, counter, params, waits) };
  },
};

function pairs(lock: PairLock, counter: Int32Array, { steps, think }: Params, waits: Waits): Job["run"] {
  return (count) => {
    for (let k = 0; k < count; k++) {
      if (k === 0) {
        const begun = performance.now();
        lock.lock();
        waits.add(performance.now() - begun);
      } else lock.lock();
      workFor(steps);
      counter[0] += 1;
      lock.unlock();
      workFor(think);
    }
    return count;
  };
}

function calls(lock: CallLock, counter: Int32Array, { steps, think }: Params, waits: Waits): Job["run"] {
  const inside = (): void => {
    workFor(steps);
    counter[0] += 1;
  };
  let begun = 0;
  const timed = (): void => {
    waits.add(performance.now() - begun);
    inside();
  };
  return (count) => {
    for (let k = 0; k < count; k++) {
      if (k === 0) {
        begun = performance.now();
        lock.hold(timed);
      } else lock.hold(inside);
      workFor(think);
    }
    return count;
  };
}

function promises(lock: AsyncLock, counter: Int32Array, { steps, think }: Params, waits: Waits): Job["run"] {
  return async (count) => {
    for (let k = 0; k < count; k++) {
      const begun = performance.now();
      await lock.lock();
      if (k === 0) waits.add(performance.now() - begun);
      workFor(steps);
      counter[0] += 1;
      lock.unlock();
      workFor(think);
    }
    return count;
  };
}
