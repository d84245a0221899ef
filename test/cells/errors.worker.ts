// Posts errors of every class as share() gives them, with what it saw of them itself.
import { parentPort } from "node:worker_threads";
import {
  ClosedError,
  HoldfastError,
  NotRecoverableError,
  OwnerDiedError,
  RegionError,
  TableError,
  TimeoutError,
  WouldDeadlockError,
} from "../../src/cells/errors.ts";

const cause = new TimeoutError("ERR_TIMEOUT", "inner", { timeout: 5 }, { cause: new RangeError("innermost") });
const errors: HoldfastError[] = [
  new TimeoutError("ERR_TIMEOUT", "too late", { timeout: 12.5, owner: undefined, waiters: 3 }),
  new RegionError("ERR_REGION_FULL", "full", { needed: 1 }, { cause }),
  new TableError("ERR_TABLE_KEY", "key", { key: "é\ud800" }, { cause: { plain: [1, 2] } }),
  new ClosedError("ERR_CLOSED", "closed"),
  new WouldDeadlockError("ERR_WOULD_DEADLOCK", "twice"),
  new NotRecoverableError("ERR_NOT_RECOVERABLE", "broken", {}, { cause: "a string" }),
  new HoldfastError("ERR_IN_USE", "in use"),
  OwnerDiedError.holding({ release: () => undefined }, "died", { owner: 3 }),
];
for (const error of errors) {
  const { name, message, stack, code } = error;
  parentPort?.postMessage({
    shared: error.share(),
    seen: { class: error.constructor.name, name, message, stack, code },
  });
}
