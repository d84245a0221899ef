// A read-write lock under contention. Writers count in two words, a reader that sees them differ has seen half a write.
// With `roles` one worker only writes and the others only read; else each draws what to do.

import { readWriteLocks } from "../rivals/monitors.ts";
import { type Task, workFor } from "../task.ts";

interface Data {
  readonly lock: unknown;
  /** [0] and [16]: the count, twice; [32]: writes that the workers say they did. */
  readonly words: Int32Array;
}

export const rwTask: Task = {
  async prepare({ subject }) {
    const data: Data = {
      lock: await readWriteLocks.make(subject, 0),
      words: new Int32Array(new SharedArrayBuffer(256)),
    };
    const { words } = data;
    return {
      fixedRounds: false,
      give: () => ({ data }),
      verdict: () => {
        const same = words[0] === words[16] && words[0] === words[32];
        return same ? undefined : `lost writes: ${words[32]} done, ${words[0]} and ${words[16]} counted`;
      },
    };
  },
  async open(data, { subject, params }, seat, waits) {
    const { lock: given, words } = data as Data;
    const lock = await readWriteLocks.open(subject, given);
    const { steps, percent, roles } = params;
    let drawn = seat * 7919 + 1;
    const reads = (): boolean => {
      if (roles !== 0) return seat !== 0;
      drawn = (Math.imul(drawn, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (drawn >> 8) % 100 < percent;
    };
    const read = (): void => {
      lock.read();
      const first = words[0];
      workFor(steps);
      if (words[16] !== first) throw new Error("a reader saw half a write");
      lock.endRead();
    };
    const write = (): void => {
      lock.write();
      words[0] += 1;
      workFor(steps);
      words[16] += 1;
      lock.endWrite();
    };
    return {
      batch: steps > 250 ? 4 : 64,
      run: (count) => {
        let writes = 0;
        for (let k = 0; k < count; k++) {
          const reading = reads();
          const begun = k === 0 ? performance.now() : 0;
          if (reading) read();
          else {
            write();
            writes++;
          }
          if (k === 0) waits.add(performance.now() - begun);
          workFor(steps);
        }
        Atomics.add(words, 32, writes);
        return count;
      },
    };
  },
};
