// watchdog: 300s
import { semaphoreFairSuite } from "../suites/semaphore-fair-suite.ts";
import { threadBackends } from "../support/lock-backends.ts";

for (const backend of threadBackends) semaphoreFairSuite(backend);
