// The script of every worker that shims/worker-threads.ts makes: the first message says which file to run.
const scope = globalThis as unknown as {
  holdfastWorker?: unknown;
  onmessage: ((event: MessageEvent) => void) | null;
};

const early: MessageEvent[] = [];
scope.onmessage = async (event) => {
  if (scope.holdfastWorker !== undefined) {
    early.push(event);
    return;
  }
  scope.holdfastWorker = event.data;
  const { runWorker } = await import("./worker-threads.js");
  const run = runWorker((event.data as { file: string }).file);
  for (const late of early) scope.onmessage?.(late);
  await run;
};
