// What a Semaphore promises, whatever its region is made of and whatever kind it is.

import type { Backend } from "../support/lock-backends.ts";
import { type Kind, semaphoreKit } from "./semaphore-kit.ts";
import { permits } from "./semaphore-permits-suite.ts";
import { waits } from "./semaphore-waits-suite.ts";

export function semaphoreSuite(backend: Backend, kind: Kind, name: string): void {
  const kit = semaphoreKit(backend, kind, name);
  permits(kit);
  waits(kit);
  kit.test.run();
}
