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
  // Held until this thread is gone: so its parent hears of that.
  const { life, file } = event.data as { life: string; file: string };
  await new Promise<void>((held) => {
    void navigator.locks.request(life, () => {
      held();
      return new Promise(() => undefined);
    });
  });
  const { runWorker } = await import("./worker-threads.js");
  const run = runWorker(file);
  for (const late of early) scope.onmessage?.(late);
  await run;
};
