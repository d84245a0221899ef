// A process of pool.ts: runs the cases that it is sent, one after the other, until its channel is closed.
import { type Case, runCase } from "./cases.ts";
import type { Answer } from "./pool.ts";

process.on("message", (what: Case) => {
  const answer = (a: Answer): void => void process.send?.(a);
  runCase(what).then(
    (outcome) => answer({ outcome }),
    (error: unknown) => answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
