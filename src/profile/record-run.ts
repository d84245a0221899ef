// Records the whole run of a process: its main thread and all its workers, from the start to the end.

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { profile } from "./profile.ts";
import type { Settings } from "./settings.ts";

/** What ends a process at once unless it listens. */
const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Writes the profile so far; a reader of the file finds a whole one at any time. */
function write(settings: Settings, name: string): void {
  try {
    const found = profile.snapshot();
    // A process beside the application that was to be profiled, as npm's own, has nothing to tell.
    if (name !== "profile" && found.locks.every(({ total }) => total.acquisitions === 0)) return;
    mkdirSync(settings.out, { recursive: true });
    const path = join(settings.out, `${name}.json`);
    writeFileSync(`${path}.tmp`, `${JSON.stringify(found)}\n`);
    renameSync(`${path}.tmp`, path);
  } catch (error) {
    process.stderr.write(`holdfast profile: the profile could not be written: ${(error as Error).message}\n`);
  }
}

/** Begins the recording of this process, and sees to it that its profile is written. */
export async function begin(settings: Settings): Promise<void> {
  const first = settings.parent === undefined || settings.parent === process.ppid;
  const name = first ? "profile" : `profile-${process.pid}`;
  const { threshold, sampleEvery, everyMs, signal } = settings;
  profile.start({ threshold, sampleEvery, everyMs, signal, onProfile: () => write(settings, name) });
  process.once("exit", () => write(settings, name));
  if (first && settings.watchPort !== undefined) await watch(settings.watchPort);
  for (const ending of ENDING) {
    process.once(ending, () => {
      write(settings, name);
      // Alone it keeps the process from ending, which an application that does not listen expects.
      if (process.listenerCount(ending) === 0) process.kill(process.pid, ending);
    });
  }
}

/** Serves the live page, and says where. Without it the application runs on all the same. */
async function watch(port: number): Promise<void> {
  try {
    const { startWatch } = await import("./watch.ts");
    const live = await startWatch({ source: profile, port });
    process.stderr.write(`holdfast watch: ${live.address}\n`);
    process.once("exit", () => void live.close());
  } catch (error) {
    process.stderr.write(`holdfast watch: there is no page: ${(error as Error).message}\n`);
  }
}
