// A thread of lock-order.test.ts: takes two locks in its order.

import { lockOrder } from "../../src/locks/lock-order.ts";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import { data, finish } from "../support/watchdog.ts";

const { locks } = data<{ locks: readonly MutexHandle[] }>();

function inMyOrder(): void {
  const [first, second] = locks.map((handle) => Mutex.from(handle));
  first.withLock(() => second.withLock(() => undefined));
}

lockOrder.start();
inMyOrder();
finish();
