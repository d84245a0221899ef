// Every protocol that check:model searches.
import { conditionModels } from "./condition-model.ts";
import type { Protocol } from "./model.ts";
import { conditionMutants } from "./mutants/condition.ts";
import { mutexMutants } from "./mutants/mutex.ts";
import { queueMutants } from "./mutants/queue.ts";
import { rwLockMutants } from "./mutants/rw-lock.ts";
import { mutexModels } from "./mutex-model.ts";
import { queueModels } from "./queue-model.ts";
import { rwLockModels } from "./rw-lock-model.ts";

export const protocols: readonly Protocol[] = [
  { name: "mutex", models: mutexModels, mutants: mutexMutants },
  { name: "rw-lock", models: rwLockModels, mutants: rwLockMutants },
  { name: "condition", models: conditionModels, mutants: conditionMutants },
  { name: "queue", models: queueModels, mutants: queueMutants },
];
