// The worker of a page that runs one test file: it stands for Node's main thread, and may block. It posts text for the
// page's console, and in the end the numbers.
import { reasonForTest } from "./limits.ts";
import { runAll } from "./shims/uvu.ts";
import "./shims/events.ts";
import "./shims/worker-threads.ts";

console.log = (...values: unknown[]): void => postMessage(values.map(String).join(" "));

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

// What nobody catches ends a file on Node, so it may not go by unseen here.
const uncaught: string[] = [];
addEventListener("error", (event) => {
  uncaught.push(`uncaught: ${describe((event as ErrorEvent).error)}`);
  event.preventDefault();
});
addEventListener("unhandledrejection", (event) => {
  uncaught.push(`unhandled rejection: ${describe((event as PromiseRejectionEvent).reason)}`);
  event.preventDefault();
});

addEventListener("message", async ({ data: file }: MessageEvent<string>) => {
  try {
    await import(file);
    const numbers = await runAll(reasonForTest, (title) => console.log(`…  ${title}`));
    await new Promise((resolve) => setTimeout(resolve));
    postMessage({ ...numbers, failures: [...numbers.failures, ...uncaught] });
  } catch (error) {
    postMessage({ passed: 0, failures: [describe(error), ...uncaught], skipped: [] });
  }
});
