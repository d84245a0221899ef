// The three kinds of regions that every lock's suite runs on.

import { Region } from "../../src/region/region.ts";

export interface Backend {
  readonly name: string;
  /** A fresh region. */
  create(): Region;
}

export const backends: readonly Backend[] = [
  { name: "wasm", create: () => Region.create() },
  { name: "js", create: () => Region.create({ wasm: false }) },
  { name: "buffer", create: () => Region.over(new SharedArrayBuffer(1 << 20)) },
];
