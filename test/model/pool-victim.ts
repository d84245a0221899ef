// The program of a pool in pool.test.ts: what becomes of the process is the name of the case.
process.on("message", ({ name }: { name: string }) => {
  if (name === "exits") process.exit(3);
  if (name === "is killed") process.kill(process.pid, "SIGKILL");
  if (name === "hangs") return;
  process.send?.(
    name === "throws" ? { error: "it threw" } : { outcome: { ok: true, exhaustive: true, extent: "all" } },
  );
});
