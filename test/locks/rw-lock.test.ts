import { backends } from "../suites/backends.ts";
import { rwLockSuite } from "../suites/rw-lock-suite.ts";

for (const backend of backends) rwLockSuite(backend);
