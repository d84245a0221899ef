// RwLock within one thread, on each backend; threads are in rw-lock-threads.test.ts.

import { rwLockSuite } from "../suites/rw-lock-suite.ts";
import { rwLockTaskSuite } from "../suites/rw-lock-task-suite.ts";
import { backends } from "../support/backends.ts";
import { suite } from "../support/suite.ts";

const test = suite("RwLock");
for (const backend of backends) {
  rwLockSuite(test, backend);
  rwLockTaskSuite(test, backend);
}
test.run();
