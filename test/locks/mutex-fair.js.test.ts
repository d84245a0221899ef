// The Mutex suite with first in, first out.

import { Region } from "../../src/region/region.ts";
import { mutexSuite } from "../suites/mutex-suite.ts";

mutexSuite({
  name: "JavaScript alone, fair",
  region: () => Region.create({ wasm: false }),
  env: () => ({ HOLDFAST_WASM: "0" }),
  fair: true,
});
