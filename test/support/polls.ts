// Has the tasks of this thread look for deaths every few milliseconds in place of four times a second, for suites that ask
// what they find and not when. Waits of threads that sleep keep their own time.

import { SLICE_MS } from "../../src/cells/park.ts";

const POLL_MS = 10;

/** From now on, in this thread. */
export function hurryPolls(): void {
  const real = globalThis.setInterval;
  const hurried = (work: () => void, ms?: number): unknown => real(work, ms === SLICE_MS ? POLL_MS : ms);
  globalThis.setInterval = hurried as unknown as typeof setInterval;
}
