// The Mutex suite over a buffer of the user. A region that can not grow.

import { Region } from "../../src/region/region.ts";
import { mutexSuite } from "../suites/mutex-suite.ts";

mutexSuite({
  name: "a buffer of the user",
  region: () => Region.over(new SharedArrayBuffer(1 << 20)),
  env: () => ({}),
});
