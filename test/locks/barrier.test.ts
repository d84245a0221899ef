// watchdog: 300s
import { barrierSuite } from "../suites/barrier-suite.ts";
import { backends } from "../support/lock-backends.ts";

for (const backend of backends) barrierSuite(backend, backend.name === "WebAssembly" ? 1000 : 200);
