// The Mutex suite over the default region, WebAssembly. Threads with and without WebAssembly use one lock.

import { defaultRegion } from "../../src/region/default-region.ts";
import { mutexSuite } from "../suites/mutex-suite.ts";

mutexSuite({
  name: "the default region, WebAssembly",
  region: () => defaultRegion(),
  env: (index) => ({ HOLDFAST_WASM: index % 2 === 0 ? "1" : "0" }),
});
