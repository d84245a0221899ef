import { semaphoreFairSuite } from "../suites/semaphore-fair-suite.ts";
import { backends } from "../support/backends.ts";

for (const backend of backends) semaphoreFairSuite(backend);
