import { onceSuite } from "../suites/once-suite.ts";
import { backends } from "../support/lock-backends.ts";

for (const backend of backends) onceSuite(backend);
