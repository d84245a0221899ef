// One request handler of the shop: buys, reads carts, and measures what an operation takes.
import { parentPort, workerData } from "node:worker_threads";
import { SessionStore, type SessionStoreHandle } from "../../src/systems/session-store.ts";

export interface ShopWork {
  readonly job: "buy" | "carts" | "measure" | "die";
  readonly store: SessionStoreHandle;
  readonly index: number;
  readonly rounds: number;
}

const { job, store: handle, index, rounds } = workerData as ShopWork;
const store = SessionStore.from(handle);

/** Sells `rounds` things: counted by get and set, and in one step. */
function buy(): void {
  for (let i = 0; i < rounds; i++) {
    store.set("sold, counted by get and set", Number(store.get("sold, counted by get and set", 0)) + 1);
    store.atomicUpdate(({ sold = 0 }) => ({ sold: Number(sold) + 1 }), ["sold"]);
  }
}

/** Even handlers write carts whose two halves belong together, odd ones count those that do not match. */
function carts(): number {
  let torn = 0;
  for (let i = 0; i < rounds; i++) {
    if (index % 2 === 0) store.setMultiple({ items: [index, i], total: index + i });
    else {
      const { items, total } = store.getMultiple(["items", "total"]) as { items?: [number, number]; total?: number };
      if (items !== undefined && items[0] + items[1] !== total) torn++;
    }
  }
  return torn;
}

/** Microseconds of each operation: three reads to one write, of a session of its own. */
function measure(): Float64Array {
  const taken = new Float64Array(rounds);
  for (let i = 0; i < rounds; i++) {
    const begun = performance.now();
    if (i % 4 === 0) store.set(`session ${index}`, { user: index, visits: i });
    else store.get(`session ${index}`);
    taken[i] = (performance.now() - begun) * 1000;
  }
  return taken;
}

/** Has changed two of three keys when it is killed. */
function die(): void {
  store.atomicUpdate(() => {
    store.setMultiple({ from: 0, fee: 1 });
    parentPort?.postMessage("inside");
    for (;;) continue;
  });
}

parentPort?.postMessage({ buy, carts, measure, die }[job]());
