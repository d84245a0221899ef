// watchdog: 300s
import { barrierSuite } from "../suites/barrier-suite.ts";
import { effort } from "../support/effort.ts";
import { threadBackends } from "../support/lock-backends.ts";

for (const backend of threadBackends)
  barrierSuite(backend, backend.name === "WebAssembly" ? effort(400, 1000) : effort(100, 200));
