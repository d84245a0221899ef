// Errors with a stable `code`. Structured clone drops an error's class and own properties, so an error that is to cross
// postMessage goes as `error.share()` and comes back by `HoldfastError.from(data)` with class, code, message, stack,
// details and cause as they were. A guard never crosses: it belongs to the thread that holds the lock.

/** Every code that holdfast throws. */
export type ErrorCode =
  | "ERR_TIMEOUT"
  | "ERR_NOT_OWNER"
  | "ERR_WOULD_DEADLOCK"
  | "ERR_DEADLOCK"
  | "ERR_OWNER_DIED"
  | "ERR_NOT_RECOVERABLE"
  | "ERR_BLOCKING_FORBIDDEN"
  | "ERR_BROKEN_BARRIER"
  | "ERR_CLOSED"
  | "ERR_IN_USE"
  | "ERR_SEALED"
  | `ERR_FILE_${string}`
  | `ERR_REGION_${string}`
  | `ERR_TABLE_${string}`;

/** Facts about an error that a program may read: plain data. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** What `share()` gives: plain data that structured clone keeps whole. */
export interface SharedError {
  readonly holdfast: "error";
  readonly code: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly details: ErrorDetails;
  readonly cause: unknown;
}

/** The base of all errors of holdfast; test `error.code`, which never changes, rather than the message. */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  override get name(): string {
    return `${this.constructor.name} [${this.code}]`;
  }

  /** Plain data for postMessage; {@link HoldfastError.from} makes the error again in the other thread. */
  share(): SharedError {
    const cause = shareCause(this);
    return {
      holdfast: "error",
      code: this.code,
      message: this.message,
      stack: this.stack,
      details: this.details,
      cause,
    };
  }

  /** The error that `share()` was called on, with its class. Throws TypeError for anything else. */
  static from(data: unknown): HoldfastError {
    if (!isSharedError(data)) throw new TypeError("HoldfastError.from: not the result of a HoldfastError's share()");
    const make = classOf(data.code as ErrorCode);
    const cause = isSharedError(data.cause) ? HoldfastError.from(data.cause) : data.cause;
    const options = cause === undefined ? undefined : { cause };
    const details = typeof data.details === "object" && data.details !== null ? data.details : {};
    const error = new make(data.code as ErrorCode, data.message, details, options);
    if (typeof data.stack === "string") error.stack = data.stack;
    return error;
  }
}

/** `ERR_TIMEOUT`: the time-out passed before the wait ended. */
export class TimeoutError extends HoldfastError {}
/** `ERR_NOT_OWNER`: the calling thread does not hold the lock. */
export class NotOwnerError extends HoldfastError {}
/** `ERR_WOULD_DEADLOCK`: this thread holds the lock already and would wait for itself. */
export class WouldDeadlockError extends HoldfastError {}
/** `ERR_DEADLOCK`: a cycle of threads that wait for each other; the message names it. */
export class DeadlockError extends HoldfastError {}
/** `ERR_NOT_RECOVERABLE`: an owner died and the next one released the lock without marking it consistent. */
export class NotRecoverableError extends HoldfastError {}
/** `ERR_BLOCKING_FORBIDDEN`: this thread may not block (a browser's main thread). */
export class BlockingForbiddenError extends HoldfastError {}
/** `ERR_BROKEN_BARRIER`: a party gave up, the action failed, or the barrier was aborted or reset. */
export class BrokenBarrierError extends HoldfastError {}
/** `ERR_CLOSED`, `ERR_SEALED`: the object was closed, freed or sealed. */
export class ClosedError extends HoldfastError {}
/** `ERR_REGION_*`: a region is full, corrupt, of another version, or not a region. */
export class RegionError extends HoldfastError {}
/** `ERR_FILE_*`: a file can't be read or written; `details` has its `path` and the system's own code as `reason`. */
export class FileError extends HoldfastError {}
/** `ERR_TABLE_*`: a table's schema, key or value. */
export class TableError extends HoldfastError {}

/**
 * `ERR_OWNER_DIED`: the last owner ended while it held the lock. The lock *is held now*, by the calling thread, through
 * `guard`: repair what the lock protects, `guard.markConsistent()`, then release it. Released unmarked, the lock is not
 * recoverable and says so to everyone.
 */
export class OwnerDiedError<G = unknown> extends HoldfastError {
  /** The guard of the lock; undefined only after the error crossed to another thread. */
  guard: G | undefined;

  static holding<G>(guard: G, message: string, details: ErrorDetails = {}): OwnerDiedError<G> {
    const error = new OwnerDiedError<G>("ERR_OWNER_DIED", message, details);
    Object.defineProperty(error, "guard", { value: guard, enumerable: false, writable: true, configurable: true });
    return error;
  }
}

type ErrorClass = new (
  code: ErrorCode,
  message: string,
  details?: ErrorDetails,
  options?: ErrorOptions,
) => HoldfastError;

function classOf(code: ErrorCode): ErrorClass {
  switch (code) {
    case "ERR_TIMEOUT":
      return TimeoutError;
    case "ERR_NOT_OWNER":
      return NotOwnerError;
    case "ERR_WOULD_DEADLOCK":
      return WouldDeadlockError;
    case "ERR_DEADLOCK":
      return DeadlockError;
    case "ERR_OWNER_DIED":
      return OwnerDiedError;
    case "ERR_NOT_RECOVERABLE":
      return NotRecoverableError;
    case "ERR_BLOCKING_FORBIDDEN":
      return BlockingForbiddenError;
    case "ERR_BROKEN_BARRIER":
      return BrokenBarrierError;
    case "ERR_CLOSED":
    case "ERR_SEALED":
      return ClosedError;
    default:
      if (code.startsWith("ERR_REGION_")) return RegionError;
      if (code.startsWith("ERR_FILE_")) return FileError;
      return code.startsWith("ERR_TABLE_") ? TableError : HoldfastError;
  }
}

/** An error's cause as structured clone keeps it; errors that are their own cause, by however many others, end there. */
function shareCause(error: HoldfastError): unknown {
  const { cause } = error;
  if (typeof cause === "function" || typeof cause === "symbol") return String(cause);
  if (!(cause instanceof HoldfastError)) return cause;
  const seen = new Set<unknown>([error]);
  for (let next: unknown = cause; next instanceof HoldfastError; next = next.cause) {
    if (seen.has(next)) return undefined;
    seen.add(next);
  }
  return cause.share();
}

function isSharedError(data: unknown): data is SharedError {
  if (typeof data !== "object" || data === null) return false;
  const candidate = data as Partial<SharedError>;
  return candidate.holdfast === "error" && typeof candidate.code === "string" && typeof candidate.message === "string";
}
