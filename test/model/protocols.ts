// Every protocol that check:model searches.
import type { Protocol } from "./model.ts";
import { mutexMutants } from "./mutants/mutex.ts";
import { mutexModels } from "./mutex-model.ts";

export const protocols: readonly Protocol[] = [{ name: "mutex", models: mutexModels, mutants: mutexMutants }];
