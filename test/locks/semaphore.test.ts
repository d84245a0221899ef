// watchdog: 300s
import { kinds } from "../suites/semaphore-kit.ts";
import { semaphoreSuite } from "../suites/semaphore-suite.ts";
import { isLong } from "../support/effort.ts";
import { threadBackends } from "../support/lock-backends.ts";

// Every kind over the first backend, every other one over the second, and the rest over the third; the long form has all.
for (const [place, backend] of threadBackends.entries()) {
  const some = kinds.filter((_, k) => isLong || place === 0 || k % 2 === place % 2);
  for (const { name, options } of some) semaphoreSuite(backend, options, name);
}
