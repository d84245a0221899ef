// What a plan's stream carries, as JSON texts. The end of a stream is no event: the stream has a marker of its own.

export type PlanStatus = "queued" | "started" | "stdout_closed" | "completed" | "failed";

export type PlanEvent =
  | { readonly type: "log" | "error"; readonly message: string; readonly timestamp: number }
  | { readonly type: "status"; readonly status: PlanStatus; readonly message: string; readonly timestamp: number };

/** A line of the plan's output ("log") or of its error output ("error"), with the time of the wall clock in ms. */
export function lineEvent(type: "log" | "error", message: string): string {
  return JSON.stringify({ type, message, timestamp: Date.now() } satisfies PlanEvent);
}

export function statusEvent(status: PlanStatus, message = ""): string {
  return JSON.stringify({ type: "status", status, message, timestamp: Date.now() } satisfies PlanEvent);
}
