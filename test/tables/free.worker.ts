// Uses a table right after its shards were retired, and says what came of it.

import { HoldfastError } from "../../src/cells/errors.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { data, finish, step } from "../support/watchdog.ts";

const { table: handle, cells } = data<{ table: never; cells: Int32Array }>();
const table = SharedTable.from(handle) as unknown as SharedTable<string, { text: string; n: number }>;

Atomics.store(cells, 1, 1);
Atomics.notify(cells, 1);
step("waiting for the shards to be retired");
Atomics.wait(cells, 0, 0);
step("using the table");
let code = "nothing thrown";
try {
  table.set("key", { text: "some text", n: 1 });
} catch (error) {
  code = error instanceof HoldfastError ? error.code : String(error);
}
Atomics.store(cells, 2, 1);
Atomics.notify(cells, 2);
finish(code);
