// The compiled library, as the checker needs it: a copy in a temporary folder, so that a mutant is the shipped code with
// one patch, and so that module state which belongs to a thread can be put back before each run of a body.
// Invariant: every patch matches exactly once, so that a mutant which no longer fits the code is an error, not a pass.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export interface Patch {
  /** Compiled file, relative to dist/src. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Library {
  readonly mutex: typeof import("../../src/protocols/mutex.ts");
  readonly wordLock: typeof import("../../src/region/word-lock.ts");
  readonly threads: typeof import("../../src/region/threads.ts");
  readonly layout: typeof import("../../src/region/layout.ts");
  readonly park: typeof import("../../src/cells/park.ts");
  readonly asyncQueue: typeof import("../../src/locks/async-queue.ts");
  readonly rwLock: typeof import("../../src/protocols/rw-lock.ts");
  readonly stamped: typeof import("../../src/protocols/stamped.ts");
  readonly rwWaiting: typeof import("../../src/locks/rw-waiting.ts");
  /** Puts back what park.ts keeps for its thread: in the model all threads share one module. */
  readonly reset: () => void;
}

const FOLDERS = ["cells", "protocols", "region", "locks", "assembly"];
const COUNTING = "export function countPark(words, seatAt, milliseconds) {";
const dist = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "src");

/** Loads the library with the patches applied, calls `use` with it, and removes the copy. */
export async function withLibrary<T>(patches: readonly Patch[], use: (library: Library) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-model-"));
  try {
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const src = join(folder, "src");
    mkdirSync(src);
    for (const name of FOLDERS) {
      cpSync(join(dist, name), join(src, name), { recursive: true, filter: (path) => !path.endsWith(".d.ts") });
    }
    for (const patch of patches) apply(src, patch);
    return await use(await load(src));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function load(src: string): Promise<Library> {
  const park = join(src, "cells", "park.js");
  const forget = "\nexport function resetForModel() { sliceListeners.clear(); sliceTimer = undefined; }\n";
  writeFileSync(park, readFileSync(park, "utf8") + forget);
  // Statistics of sleeps differ after each one: with them, a thread whose slices end again and again is in a new state
  // each time, and waits for a thread that waits for a dead one look endless.
  const threads = join(src, "region", "threads.js");
  writeFileSync(threads, replaceOnce(readFileSync(threads, "utf8"), COUNTING, "export function countPark() { return;"));
  const module = async (file: string): Promise<never> => (await import(pathToFileURL(join(src, file)).href)) as never;
  const library = {
    mutex: await module("protocols/mutex.js"),
    wordLock: await module("region/word-lock.js"),
    threads: await module("region/threads.js"),
    layout: await module("region/layout.js"),
    park: await module("cells/park.js"),
    asyncQueue: await module("locks/async-queue.js"),
    rwLock: await module("protocols/rw-lock.js"),
    stamped: await module("protocols/stamped.js"),
    rwWaiting: await module("locks/rw-waiting.js"),
  } as Omit<Library, "reset">;
  // Asks the real Atomics once: a body must not.
  library.park.blockingAllowed();
  return { ...library, reset: (library.park as unknown as { resetForModel: () => void }).resetForModel };
}

function apply(src: string, patch: Patch): void {
  const path = join(src, patch.file);
  writeFileSync(path, replaceOnce(readFileSync(path, "utf8"), patch.find, patch.replace));
}

function replaceOnce(text: string, find: string, replace: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`a patch fits ${parts.length - 1} times, not once: ${find}`);
  return parts.join(replace);
}
