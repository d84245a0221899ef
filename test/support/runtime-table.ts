// The table of docs/runtimes.md, and questions that any runtime can answer.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const page = fileURLToPath(new URL("../../../docs/runtimes.md", import.meta.url));

/** The cells of a runtime's column by the name of their row; a column may be of several: "Node 24, 26". */
export function cellsOf(runtime: string): Map<string, string> {
  const lines = readFileSync(page, "utf8").split("\n");
  const [head, , ...rows] = lines
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [kind, number = ""] = runtime.split(" ");
  const column = head.findIndex((title) => title.startsWith(kind) && (number === "" || title.includes(number)));
  if (column < 1) throw new Error(`docs/runtimes.md has no column for ${runtime}: ${head.join(", ")}`);
  return new Map(rows.map((row) => [row[0], row[column]]));
}

export function hasPause(): boolean {
  return typeof (Atomics as { pause?: unknown }).pause === "function";
}

/** Whether the runtime's own parser knows `using`. */
export function hasUsing(): boolean {
  try {
    new Function("{ using none = null; }");
    return true;
  } catch {
    return false;
  }
}
