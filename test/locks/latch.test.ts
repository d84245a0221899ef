import { latchSuite } from "../suites/latch-suite.ts";
import { backends } from "../support/lock-backends.ts";

for (const backend of backends) latchSuite(backend);
