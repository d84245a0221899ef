// Deaths that nobody hears of: in a browser, or beside a parent that is blocked or gone, no reaper is told when a thread dies.
// The crash hook only marks the thread as gone; no sleeper is woken, and it counts as alive until a waiter asks it. That is
// what waiters do at the end of a slice of their sleep, and all that these models have: whoever forgets to ask the one that
// it waits for sleeps for ever, which is a deadlock or a livelock here.
//
// The models are those of the other protocols with this hook. Asking (probe in region/threads.ts) is patched: what an armed
// wait on the probe cell tells of a real thread, a word there tells here (library.ts); probes never run out.

import { conditionModels } from "./condition-model.ts";
import { fairModels } from "./fair-model.ts";
import { barrierModels, semaphoreModels } from "./gate-models.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";
import { mutexModels } from "./mutex-model.ts";
import { reentrantModels } from "./reentrant-model.ts";
import { rwLockModels } from "./rw-lock-model.ts";
import { onceModels } from "./signal-models.ts";

/** The models, and whether they are part of the short form. */
const CHOSEN: Readonly<Record<string, boolean>> = {
  "2 threads × 2, a death": true,
  "3 threads × 1, a death": false,
  "2 threads × 1, a time-out, a death": false,
  "1 async and 1 sync, a death": false,
  "fair, 2 threads × 1, a death": true,
  "fair, 2 threads × 2, a death": false,
  "fair, 3 threads × 1, a death": false,
  "fair, 2 threads × 1, a time-out, a death": false,
  "fair, 1 async and 1 sync, a death": false,
  "reentrant: 2 threads × 1, a death": false,
  "rw: 1 reader, 1 writer, a death": true,
  "rw: 2 writers, a death": false,
  "rw: 1 reader × 2, 1 writer × 2, a death": false,
  "rw: 3 writers, a death": false,
  "rw: 2 readers, 1 writer, a death": false,
  "rw: 1 async reader, 1 writer, a death": false,
  "condition: a taker and a giver × 2, the taker may die": false,
  "condition: 2 takers that may die, and a giver of 2": false,
  "barrier: 2 threads with a time-out, a death": false,
  "semaphore: owned, 2 threads × 1, a death": true,
  "semaphore: owned, 2 threads × 2, a death": false,
  "semaphore: fair, 2 threads, a death": false,
  "once: 2 threads × 2, a death": true,
  "once: 3 threads × 1, a death": false,
  "once: a task and a thread, a death": false,
};

export function unheardModels(library: Library): readonly Model[] {
  const { layout, threads } = library;
  const onCrash = (thread: number, w: Int32Array): void => {
    // The first tenant of each slot.
    Atomics.store(w, threads.slotWord(thread) + layout.T_PROBE + 1, 1);
  };
  const known = [
    ...mutexModels(library),
    ...fairModels(library),
    ...reentrantModels(library),
    ...rwLockModels(library),
    ...conditionModels(library),
    ...barrierModels(library),
    ...semaphoreModels(library),
    ...onceModels(library),
  ];
  const models = Object.entries(CHOSEN).map(([name, short]) => {
    const model = known.find((m) => m.name === name);
    if (model === undefined) throw new Error(`no model is named "${name}"`);
    return { name: `unheard: ${name}`, short, options: { ...model.options, onCrash } };
  });
  const fair = models.find((model) => model.name === "unheard: fair, 2 threads × 2, a death") as Model;
  // A waiter that wakes a dead one again and again counts wakes without end: its states are never the same, its log is endless.
  const endless = { preemptions: 0, checkpoints: "ignore", maxSteps: 600 } as const;
  const name = `${fair.name}, no preemption, no wait for ever`;
  return [...models, { name, short: true, options: { ...fair.options, ...endless } }];
}
