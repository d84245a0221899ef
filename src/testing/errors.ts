// What the checker throws when a body cannot be checked at all. A ModelError is not a failure of the protocol: it says
// that the search would have proved nothing, and why.

export type ModelErrorCode =
  | "ERR_MODEL_NONDETERMINISTIC"
  | "ERR_MODEL_ENDLESS"
  | "ERR_MODEL_FOREIGN_STATE"
  | "ERR_MODEL_REAL_TIME"
  | "ERR_MODEL_RANDOMNESS"
  | "ERR_MODEL_UNSUPPORTED"
  | "ERR_MODEL_SCHEDULE";

/** A body or an option that the checker cannot work with; `thread` and `step` say where it was noticed. */
export class ModelError extends Error {
  readonly code: ModelErrorCode;
  /** Name of the thread whose body is at fault, if one is. */
  readonly thread: string | undefined;
  /** How many operations that thread had completed. */
  readonly step: number | undefined;

  constructor(code: ModelErrorCode, message: string, thread?: string, step?: number) {
    super(thread === undefined ? message : `${thread}, after its step ${step}: ${message}`);
    this.name = "ModelError";
    this.code = code;
    this.thread = thread;
    this.step = step;
  }
}
