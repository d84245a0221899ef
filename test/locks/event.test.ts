import { eventSuite } from "../suites/event-suite.ts";
import { backends } from "../support/lock-backends.ts";

for (const backend of backends) eventSuite(backend);
