// What the workers of the shop do. All its state is behind five locks.

import { Mutex } from "../../src/index.ts";

export const LOCKS = ["cart", "stock", "prices", "customers", "orders"] as const;

const ORDERS = 40;
/** Every so many orders a worker writes a report. */
const REPORT_EVERY = 5;

/** Stands for a write to disk: the thread sleeps. */
function writeToDisk(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

function compute(): number {
  let sum = 0;
  for (let k = 0; k < 2000; k++) sum += Math.sqrt(k);
  return sum;
}

export function addToCart(cart: Mutex): void {
  cart.withLock(compute);
}

/** The culprit: it keeps the cart's lock while it waits for the disk. */
export function saveReport(cart: Mutex): void {
  cart.withLock(() => {
    compute();
    writeToDisk();
  });
}

/** The cure: the lock is held for the copy only. */
export function saveReportOutside(cart: Mutex): void {
  cart.withLock(compute);
  writeToDisk();
}

export function serve(id: number, fixed: boolean): void {
  const [cart, ...others] = LOCKS.map((name) => Mutex.named(name));
  for (let order = 0; order < ORDERS; order++) {
    addToCart(cart);
    for (const lock of others) lock.withLock(compute);
    if ((order + id) % REPORT_EVERY !== 0) continue;
    if (fixed) saveReportOutside(cart);
    else saveReport(cart);
  }
}
