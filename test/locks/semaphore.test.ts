// watchdog: 300s
import { kinds } from "../suites/semaphore-kit.ts";
import { semaphoreSuite } from "../suites/semaphore-suite.ts";
import { backends } from "../support/lock-backends.ts";

for (const backend of backends) {
  for (const { name, options } of kinds) semaphoreSuite(backend, options, name);
}
