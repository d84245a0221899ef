import { backends } from "../support/backends.ts";
import { eventSuite } from "../suites/event-suite.ts";

for (const backend of backends) eventSuite(backend);
