// Broken versions of the shipped read-write lock: each is one patch of the compiled code, and the failure it must give.
import type { Mutant } from "../model.ts";

export const rwLockMutants: readonly Mutant[] = [];
