// The worker of a page that runs one test file: it stands for Node's main thread, and may block.
import { runAll } from "./shims/uvu.ts";
import "./shims/events.ts";
import "./shims/worker-threads.ts";

addEventListener("message", async ({ data }: MessageEvent<{ file: string; skip: string }>) => {
  const skip = new RegExp(data.skip);
  try {
    await import(data.file);
    postMessage(await runAll((title) => !skip.test(title)));
  } catch (error) {
    postMessage({ passed: 0, failures: [error instanceof Error ? error.stack : String(error)] });
  }
});
