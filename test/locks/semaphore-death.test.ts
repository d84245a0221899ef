// watchdog: 300s
// watchdog: 300s
import { semaphoreDeathSuite } from "../suites/semaphore-death-suite.ts";
import { backends } from "../support/lock-backends.ts";

for (const backend of backends) semaphoreDeathSuite(backend);
