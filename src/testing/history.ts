// Histories of operations by real threads, for the linearizability checker.
//
// Each operation takes a stamp from one shared counter before it begins and another after it ended. If operation A's
// second stamp is below B's first, A really ended before B began; otherwise they overlapped, and either may come first.
// Invariant: stamps of one history are unique, since every one comes from an atomic add.

/** One operation: what was called, what came of it, and when. Structured-cloneable. */
export interface Operation {
  readonly thread: number;
  readonly name: string;
  readonly args: readonly unknown[];
  /** What it returned; meaningless while `returned` is undefined. */
  readonly result: unknown;
  /** Stamp taken before the call. */
  readonly called: number;
  /** Stamp taken after the return. Undefined: it never returned, and may or may not have taken effect. */
  readonly returned: number | undefined;
}

export interface Recorder {
  /** Operations so far, in the order of their calls. Send it to the thread that checks. */
  readonly operations: readonly Operation[];
  /** Runs `call`, records name, arguments and result, and returns the result. An exception leaves it unreturned. */
  record<T>(name: string, args: readonly unknown[], call: () => T): T;
  /** The same for an async operation. */
  recordAsync<T>(name: string, args: readonly unknown[], call: () => Promise<T>): Promise<T>;
}

/** The counter that all recorders of one history share: pass it to every thread. */
export function historyClock(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** Records the operations of one thread. `clock` is the history's {@link historyClock}. Takes two atomic adds a call. */
export function recordHistory(clock: Int32Array<ArrayBufferLike>, thread: number): Recorder {
  const operations: Operation[] = [];
  const begin = (name: string, args: readonly unknown[]): number =>
    operations.push({ thread, name, args, result: undefined, called: Atomics.add(clock, 0, 1), returned: undefined }) -
    1;
  const end = (at: number, result: unknown): void => {
    operations[at] = { ...operations[at], result, returned: Atomics.add(clock, 0, 1) };
  };
  return {
    operations,
    record(name, args, call) {
      const at = begin(name, args);
      const result = call();
      end(at, result);
      return result;
    },
    async recordAsync(name, args, call) {
      const at = begin(name, args);
      const result = await call();
      end(at, result);
      return result;
    },
  };
}
