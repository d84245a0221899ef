// Every protocol that check:model searches.
import { clearModels } from "./clear-model.ts";
import { conditionModels } from "./condition-model.ts";
import { deadlockModels } from "./deadlock-model.ts";
import { fairModels } from "./fair-model.ts";
import { barrierModels, semaphoreModels } from "./gate-models.ts";
import { logModels } from "./log-model.ts";
import type { Protocol } from "./model.ts";
import { movingModels } from "./moving-model.ts";
import { clearMutants } from "./mutants/clear.ts";
import { conditionMutants } from "./mutants/condition.ts";
import { deadlockMutants } from "./mutants/deadlock.ts";
import { fairMutants } from "./mutants/fair.ts";
import { barrierMutants, semaphoreMutants } from "./mutants/gates.ts";
import { logMutants } from "./mutants/log.ts";
import { movingMutants } from "./mutants/moving.ts";
import { mutexMutants } from "./mutants/mutex.ts";
import { orphanMutants } from "./mutants/orphans.ts";
import { queueMutants } from "./mutants/queue.ts";
import { reentrantMutants } from "./mutants/reentrant.ts";
import { rwLockMutants } from "./mutants/rw-lock.ts";
import { shardMutants } from "./mutants/shard.ts";
import { eventMutants, latchMutants, onceMutants } from "./mutants/signals.ts";
import { unheardMutants } from "./mutants/unheard.ts";
import { mutexModels } from "./mutex-model.ts";
import { orphanModels } from "./orphan-model.ts";
import { queueModels } from "./queue-model.ts";
import { reentrantModels } from "./reentrant-model.ts";
import { rwLockModels } from "./rw-lock-model.ts";
import { shardModels } from "./shard-model.ts";
import { eventModels, latchModels, onceModels } from "./signal-models.ts";
import { unheardModels } from "./unheard-model.ts";

export const protocols: readonly Protocol[] = [
  { name: "mutex", models: mutexModels, mutants: mutexMutants },
  { name: "mutex-fair", models: fairModels, mutants: fairMutants },
  { name: "reentrant", models: reentrantModels, mutants: reentrantMutants },
  { name: "rw-lock", models: rwLockModels, mutants: rwLockMutants },
  { name: "condition", models: conditionModels, mutants: conditionMutants },
  { name: "condition-moved", models: movingModels, mutants: movingMutants },
  { name: "barrier", models: barrierModels, mutants: barrierMutants },
  { name: "semaphore", models: semaphoreModels, mutants: semaphoreMutants },
  { name: "event", models: eventModels, mutants: eventMutants },
  { name: "latch", models: latchModels, mutants: latchMutants },
  { name: "once", models: onceModels, mutants: onceMutants },
  { name: "deadlock", models: deadlockModels, mutants: deadlockMutants, looks: true },
  { name: "unheard", models: unheardModels, mutants: unheardMutants, asks: true },
  { name: "orphans", models: orphanModels, mutants: orphanMutants },
  { name: "queue", models: queueModels, mutants: queueMutants, tables: true },
  { name: "log", models: logModels, mutants: logMutants, tables: true },
  { name: "shard", models: shardModels, mutants: shardMutants, tables: true },
  { name: "clear", models: clearModels, mutants: clearMutants, tables: true },
];
