// Who takes part in contests: for each subject what its process needs. Who is not there on this machine (no native part
// built, no Rust, no Node with navigator.locks) is left out, which the results say.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nativePart } from "../../src/cells/native.ts";
import type { Entry } from "../team.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export function entry(subject: string): Entry {
  if (subject === "holdfast-js") return { subject, env: { HOLDFAST_WASM: "0" } };
  if (subject === "Atomics.Mutex") return { subject, flags: ["--harmony-struct"] };
  return { subject };
}

/** The package in all its forms. */
export function own(): Entry[] {
  const forms = ["holdfast", "holdfast-js"];
  if (nativePart() !== undefined) forms.push("holdfast-native");
  return forms.map(entry);
}

/** A Node that has navigator.locks: this one, or one that `npm run test:runtimes` has installed. */
export function webLocks(): Entry[] {
  const subject = "navigator.locks";
  if (Number(process.versions.node.split(".")[0]) >= 24) return [{ subject }];
  const program = join(root, ".runtimes", "node_modules", "node-24", "bin", "node");
  return existsSync(program) ? [{ subject, program }] : [];
}

/** V8's own, where the flag gives it. */
export function engineMutex(): Entry[] {
  const asked = "process.exit(typeof Atomics.Mutex === 'function' ? 0 : 1)";
  return succeeds(process.execPath, ["--harmony-struct", "-e", asked]) ? [entry("Atomics.Mutex")] : [];
}

let rustProgram: string | undefined | null;

/** The locks of Rust and C, by native/examples/contention/, where cargo can build it. */
export function rust(): Entry[] {
  rustProgram ??= buildRust() ?? null;
  if (rustProgram === null) return [];
  const foreign = rustProgram;
  return ["pthread", "std", "parking_lot"].map((subject) => ({ subject, foreign }));
}

function buildRust(): string | undefined {
  const manifest = join(root, "native", "Cargo.toml");
  const program = join(root, "native", "target", "release", "examples", "contention");
  if (!existsSync(manifest)) return undefined;
  const args = ["build", "--release", "--no-default-features", "--example", "contention", "--manifest-path", manifest];
  return succeeds("cargo", args) && existsSync(program) ? program : undefined;
}

function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore", timeout: 300_000 });
    return true;
  } catch {
    return false;
  }
}
