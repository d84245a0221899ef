// The backends that every conformance suite runs on: WebAssembly, JavaScript over a shared memory, JavaScript over a
// buffer of the user's, and native parking where the native part is built.

import { nativePart } from "../../src/cells/native.ts";
import { Region } from "../../src/region/region.ts";

export interface Backend {
  readonly title: string;
  region(): Region;
}

export const backends: readonly Backend[] = [
  { title: "wasm", region: () => Region.create() },
  { title: "js", region: () => Region.create({ wasm: false }) },
  { title: "buffer", region: () => Region.over(new SharedArrayBuffer(1 << 20)) },
  ...(nativePart() === undefined ? [] : [{ title: "native", region: () => Region.create({ parking: "native" }) }]),
];
