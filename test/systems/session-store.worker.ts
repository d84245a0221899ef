// What a worker of session-store.test.ts does: one job, by name. The crowd's job goes through phases, a barrier between two.
import { parentPort } from "node:worker_threads";
import { Barrier, type BarrierHandle } from "../../src/locks/barrier.ts";
import {
  SessionStore,
  type SessionStoreHandle,
  tsDelete,
  tsExists,
  tsGet,
  tsSet,
} from "../../src/systems/session-store.ts";
import { data, finish, step } from "../support/watchdog.ts";

export interface SessionJob {
  readonly job: keyof typeof jobs;
  readonly store: SessionStoreHandle;
  readonly barrier?: BarrierHandle;
  readonly gate?: Int32Array;
}

const { job, store: handle, barrier: barrierHandle, gate, index, count } = data<SessionJob>();
const store = SessionStore.from(handle);

function together(phase: string): void {
  step(phase);
  Barrier.from(barrierHandle as BarrierHandle).wait();
}

const jobs = {
  /** Seed 003's concurrent tests, one phase each; the sums of what this thread saw. */
  crowd() {
    const wrong: string[] = [];
    const expect = (phase: string, found: unknown, wanted: unknown): void => {
      if (JSON.stringify(found) !== JSON.stringify(wanted)) wrong.push(`${phase}: ${JSON.stringify(found)}`);
    };
    together("100 writes");
    store.set(`own ${index}`, { by: index });
    together("200 reads");
    for (const other of [(index + 1) % count, (index + 50) % count]) {
      expect("read", store.get(`own ${other}`), { by: other });
    }
    together("300 mixed operations");
    store.set(`mixed ${index}`, index);
    expect("mixed", store.get(`mixed ${index}`), index);
    const neighbour = store.get(`mixed ${(index + 1) % count}`, "none yet");
    if (neighbour !== "none yet") expect("neighbour", neighbour, (index + 1) % count);
    together("50 deletes");
    const deleted = index < 50 && store.delete(`own ${index}`);
    const last = store.delete("everyone's");
    together("the lost counter");
    const seen = Number(store.get("lost counter", 0));
    together("everyone has read it");
    store.set("lost counter", seen + 1);
    together("the atomic counter");
    store.atomicUpdate(({ counter = 0 }) => ({ counter: Number(counter) + 1 }));
    together("50 dictionary updates");
    if (index < 50) {
      store.atomicUpdate(({ users = {} }) => ({ users: { ...(users as object), [`user ${index}`]: { index } } }));
    }
    together("done");
    return { wrong, deleted, last };
  },
  /** Ten threads, a hundred operations each, on the same keys. */
  contend() {
    for (let i = 0; i < 25; i++) {
      store.set(`key ${i % 5}`, { index, i });
      const value = store.get(`key ${i % 5}`) as { index: number; i: number };
      if (value.i % 5 !== i % 5) throw new Error(`key ${i % 5} has ${JSON.stringify(value)}`);
      store.exists(`key ${i % 5}`);
      store.atomicUpdate((state) => ({ total: Number(state.total ?? 0) + 1 }), ["total"]);
    }
    return 25;
  },
  /** Writes pairs that belong together, or looks whether any pair is torn. */
  batch() {
    let torn = 0;
    for (let i = 0; i < 300; i++) {
      if (index % 2 === 0)
        store.setMultiple({ left: `${index} ${i}`, middle: `${index} ${i}`, right: `${index} ${i}` });
      else {
        const { left, middle, right } = store.getMultiple(["left", "middle", "right"]);
        if (left !== middle || middle !== right) torn++;
      }
    }
    return torn;
  },
  /** Holds the store's lock until the gate opens. */
  hold() {
    store.atomicUpdate(() => {
      parentPort?.postMessage("held");
      Atomics.wait(gate as Int32Array, 0, 0);
      return { held: true };
    });
    return true;
  },
  /** Is killed in the middle of an update that has changed several keys. */
  die() {
    store.atomicUpdate((state) => {
      store.set("left", "half");
      state.right = "half";
      parentPort?.postMessage("inside");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      return { right: "half" };
    });
  },
  /** The functions of the common store, from another thread. */
  common() {
    const seen = [tsGet("from main"), tsExists("from main"), tsExists("nowhere"), tsDelete("to delete")];
    tsSet("from worker", { index });
    return seen;
  },
};

finish(jobs[job]());
