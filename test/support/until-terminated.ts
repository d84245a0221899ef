// How a worker of a test waits to be ended by terminate(), in a way in which the runtime ends it.

/** Whether terminate() ends a thread that blocks or computes. On Deno such a thread runs on, until its event loop turns. */
export const terminateInterrupts = process.versions.deno === undefined;

/** Does nothing until this thread is terminated: blocks, or lies in the event loop where terminate() needs that. */
export async function untilTerminated(): Promise<never> {
  if (terminateInterrupts) for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  setInterval(() => undefined, 1000);
  return new Promise(() => undefined);
}
