// Every protocol that check:model searches.
import { fairModels } from "./fair-model.ts";
import type { Protocol } from "./model.ts";
import { fairMutants } from "./mutants/fair.ts";
import { mutexMutants } from "./mutants/mutex.ts";
import { rwLockMutants } from "./mutants/rw-lock.ts";
import { mutexModels } from "./mutex-model.ts";
import { rwLockModels } from "./rw-lock-model.ts";

export const protocols: readonly Protocol[] = [
  { name: "mutex", models: mutexModels, mutants: mutexMutants },
  { name: "mutex-fair", models: fairModels, mutants: fairMutants },
  { name: "rw-lock", models: rwLockModels, mutants: rwLockMutants },
];
