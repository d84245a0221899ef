// The worker of page.ts: blocks for the mutex that the page holds; or takes it, and never gives it back.
import { Event, Mutex } from "../../src/index.ts";
import { SharedMap } from "../../src/tables/index.ts";

addEventListener("message", ({ data }: MessageEvent) => {
  const [mutex, map, go] = [Mutex.from(data.mutex), SharedMap.from(data.map), Event.from(data.go)];
  if (data.dies) {
    mutex.lock();
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  go.set();
  mutex.withLock(() => map.set("worker", `after ${map.get("page")}`));
  postMessage(mutex.region.backend);
});
