// A clock that all threads of the process read alike: milliseconds that never go back and mean nothing by themselves.
//
// performance.now() counts from the start of each worker, and timeOrigin is the wall clock's of that moment, so two
// threads' sums may differ by what the wall clock was set by in between. Node's hrtime is the system's monotonic clock.

/** Milliseconds, of any origin. Stamps in shared memory need one origin for all threads. */
export type Clock = () => number;

const { process } = globalThis as { process?: { hrtime?: { bigint?: () => bigint } } };
const hrtime = process?.hrtime?.bigint;

/** The system's monotonic clock where there is one to be read, and the page's own time elsewhere. */
export const monotonicClock: Clock =
  hrtime === undefined ? () => performance.timeOrigin + performance.now() : () => Number(hrtime() / 1000n) / 1000;
