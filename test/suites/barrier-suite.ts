// What a Barrier promises, whatever its region is made of.

import type { Backend } from "../support/lock-backends.ts";
import { breaks } from "./barrier-breaks-suite.ts";
import { barrierKit } from "./barrier-kit.ts";
import { passages } from "./barrier-passages-suite.ts";

export function barrierSuite(backend: Backend, generations: number): void {
  const kit = barrierKit(backend);
  passages(kit, generations);
  breaks(kit);
  kit.test.run();
}
