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
