import { eventSuite } from "../suites/event-suite.ts";
import { backends } from "../support/backends.ts";

for (const backend of backends) eventSuite(backend);
