// The worker of race(): loads the body, meets the others before each round, and reports what came of it.
import { parentPort, workerData } from "node:worker_threads";
import type { RaceContext, RaceOrder } from "./race.ts";
import { announce, meet, Script } from "./race-control.ts";

const { control, index, name, module, exported, data, rounds } = workerData as RaceOrder;

async function run(): Promise<unknown[]> {
  const loaded = (await import(module)) as Record<string, unknown>;
  const body = loaded[exported];
  if (typeof body !== "function") throw new TypeError(`${module} exports no function "${exported}"`);
  const script = new Script(control, index);
  const values: unknown[] = [];
  for (let round = 0; round < rounds; round++) {
    const context: RaceContext = {
      index,
      name,
      round,
      threads: control.threads,
      data,
      at: (point) => script.pass(point),
      mark: (place) => announce(control, index, place),
    };
    meet(control, index, rounds === 1 ? "the body" : `round ${round}`);
    values.push(await (body as (c: RaceContext) => unknown)(context));
  }
  announce(control, index, "ended");
  return values;
}

run().then(
  (values) => parentPort?.postMessage({ values }),
  (error: unknown) => {
    announce(control, index, "failed");
    const e = error instanceof Error ? error : new Error(String(error));
    parentPort?.postMessage({ error: { name: e.name, message: e.message, stack: e.stack } });
  },
);
