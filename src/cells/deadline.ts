// Monotonic deadlines. A time-out in milliseconds becomes a deadline once, at the start of a call; every loop then asks
// `remaining`. Wall-clock time is never used: it jumps.

/** Options of every blocking call. */
export interface WaitOptions {
  /** Milliseconds to wait at the most; 0 tries once, undefined or Infinity waits without a limit. */
  readonly timeout?: number | undefined;
}

/** Options of every asynchronous call. */
export interface AsyncWaitOptions extends WaitOptions {
  /** Aborting it rejects the call with `signal.reason` and leaves no trace of the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** The clock itself: Node makes `performance` a getter of the global object, which each thread that sleeps would call. */
const clock = performance;

/** Milliseconds on this thread's monotonic clock. */
export function now(): number {
  return clock.now();
}

/** Checks a time-out given by a user: TypeError if it is no number, RangeError if NaN or negative. */
export function checkTimeout(timeout: unknown): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY;
  if (typeof timeout !== "number") {
    throw new TypeError(`timeout must be a number of milliseconds, got ${describe(timeout)}`);
  }
  if (Number.isNaN(timeout) || timeout < 0) {
    throw new RangeError(`timeout must be 0 or more milliseconds (Infinity waits without a limit), got ${timeout}`);
  }
  return timeout;
}

/** Throws TypeError unless the options of a call are an object: a number in their place, say, would go unnoticed. */
export function assertOptions(options: unknown, call: string): void {
  if (typeof options === "object" && options !== null) return;
  throw new TypeError(`${call} takes an object of options, such as { timeout: 100 }, got ${describe(options)}`);
}

/** The time-out of the options of a call, `otherwise` if they have none. Throws as {@link assertOptions}, {@link checkTimeout}. */
export function timeoutOf(options: WaitOptions, call: string, otherwise: number = Number.POSITIVE_INFINITY): number {
  assertOptions(options, call);
  const { timeout } = options;
  return timeout === undefined ? otherwise : checkTimeout(timeout);
}

/** The deadline that lies `timeout` milliseconds ahead (Infinity stays Infinity). */
export function deadlineIn(timeout: number): number {
  return timeout === Number.POSITIVE_INFINITY ? timeout : now() + timeout;
}

/**
 * Has `expired` called once `timeout` milliseconds have gone by since `since`: at once if they have, never for Infinity.
 * The function that is returned calls it off.
 */
export function atDeadline(since: number, timeout: number, expired: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    const left = timeout - (now() - since);
    // Timers count in whole milliseconds and hold 31 bits: the deadline is the monotonic clock's.
    if (left > 0) timer = setTimeout(look, Math.min(Math.ceil(left), 0x7fffffff));
    else expired();
  };
  if (timeout !== Number.POSITIVE_INFINITY) look();
  return () => clearTimeout(timer);
}

/** Checks an AbortSignal given by a user; throws its reason if it is aborted already. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  const candidate = signal as AbortSignal;
  if (typeof signal !== "object" || signal === null || typeof candidate.addEventListener !== "function") {
    throw new TypeError(`signal must be an AbortSignal, got ${describe(signal)}`);
  }
  candidate.throwIfAborted();
  return candidate;
}

/** A short description of a wrong argument for an error message. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return value.length > 40 ? `"${value.slice(0, 40)}…"` : `"${value}"`;
  if (typeof value === "object") return `an object (${className(value)})`;
  if (typeof value === "function") return "a function";
  return `${typeof value} ${String(value)}`;
}

/** The name of an object's class; of one whose getters throw or lie there is none. */
export function className(value: object): string {
  try {
    const name: unknown = value.constructor?.name;
    if (typeof name === "string") return name.slice(0, 40);
    return value.constructor === undefined ? "no prototype" : "no class";
  } catch {
    return "no class";
  }
}
