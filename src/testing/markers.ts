// What code under exploration may tell the checker. Outside an exploration these functions do nothing.
import { currentWorld } from "./world.ts";

/** Opens an optimistic section: plain reads of this thread may race until `validated()` or `discarded()`. */
export function optimistic(): void {
  currentWorld()?.replayer.mark("optimistic");
}

/**
 * The plain reads since `optimistic()` were validated and are about to be used. It is a failure if another thread wrote
 * what they read before this point. Call it right after the operation that validates.
 */
export function validated(): void {
  currentWorld()?.replayer.mark("validated");
}

/** The plain reads since `optimistic()` are thrown away. */
export function discarded(): void {
  currentWorld()?.replayer.mark("discarded");
}

/** What a thread can say that it remembers: its identity is its value. */
export type Remembered = string | number | bigint | boolean | null | undefined;

/**
 * Says that the thread remembers nothing from here on but these values: a counter, a flag, where in the code it is. Within a
 * {@link scope}: nothing of what it did in the scope. The checker then takes all runs of the thread that come here with the
 * same values as one, which makes large models smaller by far. It replays some of them to see whether it was true.
 */
export function checkpoint(...values: readonly Remembered[]): void {
  currentWorld()?.replayer.checkpoint(values);
}

/**
 * Runs `work`, which leaves nothing behind in the thread but what it returns (and what `also` tells afterwards): a
 * {@link checkpoint} behind it, for code that does not know what its callers remember.
 */
export function scope<T extends Remembered | void>(work: () => T, also?: () => readonly Remembered[]): T {
  const replayer = currentWorld()?.replayer;
  return replayer === undefined ? work() : replayer.scope(work, also);
}
