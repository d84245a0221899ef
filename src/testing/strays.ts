// Rejections that nobody awaited, while bodies are explored.
import { isSuspend } from "./run.ts";

/** Takes note of stray rejections; those of suspended async bodies are nobody's business. */
export class Strays {
  /** The last one: a task of a body failed where nobody awaited it, so no run with it is worth anything. */
  found: { readonly reason: unknown } | undefined;

  /** Begins to listen; returns what ends it. */
  listen(): () => void {
    const proc = (globalThis as { process?: NodeJS.Process }).process;
    if (typeof proc?.on !== "function") return () => undefined;
    const listener = (reason: unknown): void => {
      if (isSuspend(reason)) return;
      this.found = { reason };
    };
    // A listener of an event target (an abort signal's) that throws ends up as an uncaught exception.
    proc.on("unhandledRejection", listener);
    proc.on("uncaughtException", listener);
    return () => {
      proc.off("unhandledRejection", listener);
      proc.off("uncaughtException", listener);
    };
  }
}
