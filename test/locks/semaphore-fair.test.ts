// watchdog: 300s
import { semaphoreFairSuite } from "../suites/semaphore-fair-suite.ts";
import { backends } from "../support/lock-backends.ts";

for (const backend of backends) semaphoreFairSuite(backend);
