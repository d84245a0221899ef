// Holders and waiters of a mutex that are ended, at whatever they do.
// native: too

import { mutexDeathSuite } from "../suites/mutex-death-suite.ts";

mutexDeathSuite(false);
