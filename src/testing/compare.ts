// Compares two runs of a body against one log.
// Invariant: the runs of a body that depends on nothing but its log are the same: the operation that it has come to, or its
// end, and the checkpoints that it has passed.
import { ModelError } from "./errors.ts";
import { sameOp } from "./ops.ts";
import type { Actor } from "./run.ts";
import type { Node, Outcome } from "./tree.ts";

/** Throws ERR_MODEL_NONDETERMINISTIC unless both outcomes of a log that goes on from `parent` are the same. */
export function compare(actor: Actor, parent: Node | undefined, x: Outcome, y: Outcome, step?: number): void {
  const same =
    (x.op === undefined ? y.op === undefined : y.op !== undefined && sameOp(x.op, y.op)) &&
    describe(x.end) === describe(y.end) &&
    x.tokens === y.tokens;
  if (same) return;
  throw new ModelError(
    "ERR_MODEL_NONDETERMINISTIC",
    "the body is not deterministic: two runs with the same results went on differently " +
      `(${describe(x.end) || "went on"} / ${describe(y.end) || "went on"}). It keeps state outside the memory, or ` +
      "depends on something that no schedule determines",
    actor.name,
    step ?? (parent === undefined ? 0 : parent.depth + 1),
  );
}

function describe(end: { value?: unknown; error?: unknown } | undefined): string {
  if (end === undefined) return "";
  const { value, error } = end;
  if (error !== undefined) return `threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
  return `returned ${show(value)}`;
}

function show(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, (_k, v: unknown) => (typeof v === "bigint" ? `${v}n` : v)) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
