// The Mutex suite with first in, first out.

import { Region } from "../../src/region/region.ts";
import { mutexSuite } from "../suites/mutex-suite.ts";

mutexSuite({
  name: "a buffer of the user, fair",
  region: () => Region.over(new SharedArrayBuffer(1 << 20)),
  env: () => ({}),
  fair: true,
});
