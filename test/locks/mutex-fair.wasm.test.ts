// The Mutex suite with first in, first out.
// native: too

import { defaultRegion } from "../../src/region/default-region.ts";
import { mutexSuite } from "../suites/mutex-suite.ts";

mutexSuite({
  name: "the default region, WebAssembly, fair",
  region: () => defaultRegion(),
  env: (index) => ({ HOLDFAST_WASM: index % 2 === 0 ? "1" : "0" }),
  fair: true,
});
