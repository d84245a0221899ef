// Every suite there is.

import { suites as deadlock } from "./deadlock.bench.ts";
import { suites as growth } from "./growth.bench.ts";
import { suites as map } from "./map.bench.ts";
import { suites as mutex } from "./mutex.bench.ts";
import { suites as native } from "./native.bench.ts";
import { suites as profiler } from "./profiler.bench.ts";
import type { Suite } from "./result.ts";
import { suites as session } from "./session.bench.ts";
import { suites as spin } from "./spin.bench.ts";
import { suites as start } from "./start.bench.ts";
import { suites as tables } from "./table.bench.ts";
import { suites as takeout } from "./takeout.bench.ts";
import { suites as uncontended } from "./uncontended.bench.ts";
import { suites as waiting } from "./waiting.bench.ts";

export const suites: readonly Suite[] = [
  ...mutex,
  ...spin,
  ...native,
  ...waiting,
  ...tables,
  ...map,
  ...growth,
  ...takeout,
  ...profiler,
  ...deadlock,
  ...start,
  ...session,
  ...uncontended,
];
