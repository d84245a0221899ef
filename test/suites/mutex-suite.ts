// What every Mutex must do, whatever its region is made of and whatever serves its fast path.

import { freed } from "./mutex-free-suite.ts";
import { holds } from "./mutex-holds-suite.ts";
import { type Backend, mutexKit } from "./mutex-kit.ts";
import { deadOwners } from "./mutex-owner-suite.ts";
import { waits } from "./mutex-waits-suite.ts";

export function mutexSuite(backend: Backend): void {
  const kit = mutexKit(backend);
  holds(kit);
  freed(kit);
  waits(kit);
  deadOwners(kit);
  kit.test.run();
}
