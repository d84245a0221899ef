import { onceSuite } from "../suites/once-suite.ts";
import { threadBackends } from "../support/lock-backends.ts";

for (const backend of threadBackends) onceSuite(backend);
