// The Mutex suite over a region without WebAssembly. Every thread uses the JavaScript of the protocol.

import { Region } from "../../src/region/region.ts";
import { mutexSuite } from "../suites/mutex-suite.ts";

mutexSuite({
  name: "a region without WebAssembly",
  region: () => Region.create({ wasm: false }),
  env: () => ({ HOLDFAST_WASM: "0" }),
});
