import { semaphoreDeathSuite } from "../suites/semaphore-death-suite.ts";
import { backends } from "../support/backends.ts";

for (const backend of backends) semaphoreDeathSuite(backend);
