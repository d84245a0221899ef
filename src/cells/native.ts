// The native part, if it is there: a Node addon that parks, wakes and tells of dying threads (native/). It is looked for
// when first asked for, beside the sources and then as an installed package of this platform, and never on a runtime
// other than Node. HOLDFAST_NATIVE=0 turns it off; HOLDFAST_NATIVE=1 demands it, and makes new regions park by it.

import { RegionError } from "./errors.ts";

/** What the addon exports; see native/src/addon.rs. Bad arguments throw TypeError. */
export interface NativePart {
  /** A number of this copy of the addon, never 0: sleepers of one copy are not seen by another. */
  instance(): number;
  /**
   * 0 woken, 1 time over, 2 not equal, 3 the count of deaths is not `seen`, 4 cut off (after 20 ms at the latest), so that the
   * thread can be ended: to be called again with `goesOn`.
   */
  park(
    words: Int32Array,
    at: number,
    expected: number,
    deathsAt: number,
    seen: number,
    milliseconds: number,
    spin: boolean,
    goesOn: boolean,
  ): number;
  wake(words: Int32Array, at: number, count?: number): number;
  /** Moves the sleepers of one word to another; with `wakeOne` one of them is woken instead. Returns how many moved. */
  requeue(words: Int32Array, from: number, to: number, wakeOne: boolean): number;
  watch(
    words: Int32Array,
    stateAt: number,
    alive: number,
    dead: number,
    deathsAt: number,
    firstAt: number,
    stride: number,
    slots: number,
  ): number;
  unwatch(number: number): void;
}

interface ProcessLike {
  readonly platform: string;
  readonly arch: string;
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?(name: string): unknown;
}

interface Require {
  (id: string): unknown;
  resolve(id: string): string;
}

let found: NativePart | undefined;
let whyNot: string | undefined;

/** What HOLDFAST_NATIVE says: "0" off, "1" demanded, anything else: used if it is there and a region asks for it. */
function wish(): string | undefined {
  try {
    return (globalThis as { process?: ProcessLike }).process?.env.HOLDFAST_NATIVE;
  } catch {
    // Deno asks for a permission.
    return undefined;
  }
}

/** The native part, or undefined where there is none. Throws ERR_REGION_NATIVE if HOLDFAST_NATIVE=1 demands it in vain. */
export function nativePart(): NativePart | undefined {
  const wished = wish();
  if (wished === "0") return undefined;
  if (found === undefined && whyNot === undefined) find();
  if (found === undefined && wished === "1") throw noNative("HOLDFAST_NATIVE=1 demands holdfast's native part");
  return found;
}

/** Whether new regions park natively unless they are told otherwise. */
export function prefersNative(): boolean {
  return wish() === "1";
}

/** The error of what can't be without the native part. */
export function noNative(what: string): RegionError {
  const why = wish() === "0" ? "HOLDFAST_NATIVE=0 turns it off" : (whyNot ?? "it is not loaded");
  return new RegionError("ERR_REGION_NATIVE", `${what}: ${why}`, { why });
}

function find(): void {
  const host = (globalThis as { process?: ProcessLike }).process;
  const versions = host?.versions;
  if (versions?.node === undefined || versions.deno !== undefined || versions.bun !== undefined) {
    whyNot = "there is one for Node only";
    return;
  }
  try {
    const module = host?.getBuiltinModule?.("node:module") as { createRequire(from: string): Require } | undefined;
    // From the package's root, wherever in it this code has been bundled to.
    const root = module?.createRequire(import.meta.url).resolve("holdfast/package.json");
    const require = root === undefined ? undefined : module?.createRequire(root);
    if (require !== undefined) tryAll(require, `${host?.platform}-${host?.arch}`);
  } catch {
    // What is not to be had is not had.
  }
  if (found === undefined) {
    whyNot = `no package holdfast-${host?.platform}-${host?.arch} is installed, and none was built by npm run build:native`;
  }
}

/** Linux has two C libraries: the addon of the wrong one does not load. */
function tryAll(require: Require, platform: string): void {
  const kinds = platform.startsWith("linux") ? ["-gnu", "-musl"] : platform.startsWith("win32") ? ["-msvc"] : [""];
  for (const kind of kinds) {
    const name = `holdfast.${platform}${kind}.node`;
    // As built in the repository; then as installed.
    for (const id of [`./native/${name}`, `holdfast-${platform}${kind}`]) {
      try {
        found = require(id) as NativePart;
        return;
      } catch {
        // The next one, then.
      }
    }
  }
}
