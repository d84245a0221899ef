// StampedLock within one thread, on each backend; threads are in rw-lock-threads.test.ts.

import { stampedLockSuite } from "../suites/stamped-lock-suite.ts";
import { backends } from "../support/backends.ts";
import { suite } from "../support/suite.ts";

const test = suite("StampedLock");
for (const backend of backends) stampedLockSuite(test, backend);
test.run();
