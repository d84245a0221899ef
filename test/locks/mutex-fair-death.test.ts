import { mutexDeathSuite } from "../suites/mutex-death-suite.ts";

mutexDeathSuite(true);
