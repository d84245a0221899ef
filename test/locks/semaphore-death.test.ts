// watchdog: 300s
import { semaphoreDeathSuite } from "../suites/semaphore-death-suite.ts";
import { threadBackends } from "../support/lock-backends.ts";

for (const backend of threadBackends) semaphoreDeathSuite(backend);
