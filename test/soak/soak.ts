// npm run soak: the kill storms, over locks and over tables, the threads that come and go by thousands, and ten
// million operations on a table against an oracle.
// Exit code 0 only if nothing was found that should be impossible and every thread that lived made progress.

import { misused, readOptions } from "../../examples/options.ts";
import { lockStorm } from "./locks.ts";
import { compareWithOracle } from "./oracle.ts";
import { killStorm } from "./tables.ts";
import { shortLives } from "./threads.ts";

const usage = `Usage: npm run soak [-- OPTIONS]
  --only PART       locks, tables, threads or oracle
  --kills N         threads killed in the storms (default 1000)
  --minutes N       the storm over locks goes on for so long, with as many kills as come
  --threads N       threads of the storm over locks and of the comparison (default 16)
  --fair            the mutexes of the storm over locks are fair
  --lives N         how many threads come and go (default 1000)
  --operations N    how many operations are compared with the oracle (default 10000000)
  --json            prints the counts as one JSON document
  --help
Without --only: all four parts, one after the other.`;

const values = readOptions(usage, {
  kills: { type: "string", default: "1000" },
  minutes: { type: "string", default: "0" },
  threads: { type: "string", default: "16" },
  lives: { type: "string", default: "1000" },
  operations: { type: "string", default: "10000000" },
  fair: { type: "boolean", default: false },
  only: { type: "string" },
  json: { type: "boolean", default: false },
});

function number(name: "kills" | "lives" | "minutes" | "operations" | "threads"): number {
  const value = Number(values[name]);
  if (!(value >= 0)) misused(`--${name} must be a number, not "${values[name]}"`, usage);
  return value;
}

const parts = ["locks", "tables", "threads", "oracle"];
if (values.only !== undefined && !parts.includes(values.only)) {
  misused(`--only takes ${parts.join(", ")}, not "${values.only}"`, usage);
}
const wanted = (part: string): boolean => values.only === undefined || values.only === part;

const begun = performance.now();
const total = { operations: 0, kills: 0, survivorsBlocked: 0, mismatches: [] as string[], heapGrowthBytes: 0 };

function add(what: string, result: Omit<typeof total, "mismatches"> & { mismatches: readonly string[] }): void {
  if (!values.json) console.log(what, result);
  total.operations += result.operations;
  total.kills += result.kills;
  total.survivorsBlocked += result.survivorsBlocked;
  total.mismatches.push(...result.mismatches);
  total.heapGrowthBytes += result.heapGrowthBytes;
}

if (wanted("locks")) {
  const { fair } = values;
  const [kills, minutes, threads] = [number("kills"), number("minutes"), number("threads")];
  add("locks", await lockStorm({ kills, minutes, threads, fair }));
}
if (wanted("tables")) {
  const result = await killStorm({ kills: number("kills") });
  // What the tables leak is memory that they share, not this thread's heap.
  const leaked = result.leakedBytes === 0 ? [] : [`the tables left ${result.leakedBytes} bytes in use`];
  add("tables", { ...result, mismatches: [...result.mismatches, ...leaked], heapGrowthBytes: 0 });
}
if (wanted("threads")) {
  const { deaths, mismatches, operations, ...rest } = await shortLives({ count: number("lives") });
  if (!values.json) console.log("memory and time of the threads that come and go", rest);
  add("threads", { operations, mismatches, kills: deaths, survivorsBlocked: 0, heapGrowthBytes: 0 });
}
if (wanted("oracle")) {
  const { operations, mismatches, ...rest } = await compareWithOracle({
    operations: number("operations"),
    threads: number("threads"),
  });
  if (!values.json) console.log("rows and seconds of the comparison with the oracle", rest);
  add("oracle", { operations, mismatches, kills: 0, survivorsBlocked: 0, heapGrowthBytes: 0 });
}

const { mismatches, ...figures } = total;
const report = { minutes: (performance.now() - begun) / 60_000, ...figures, mismatches: mismatches.length };
if (!values.json) for (const mismatch of new Set(mismatches)) console.log(mismatch);
console.log(values.json ? JSON.stringify(report) : report);
process.exit(mismatches.length > 0 || total.survivorsBlocked > 0 ? 1 : 0);
