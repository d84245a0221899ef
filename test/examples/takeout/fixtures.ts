// Real pages, anonymised, that stand beside the project and not in it: `../shared/fixtures/takeout`, or what
// TAKEOUT_FIXTURES names. Tests on them are left out, saying so, where they are absent.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// From dist/test/examples/takeout to the project's root.
const root = fileURLToPath(new URL("../../../../", import.meta.url));
const folder = process.env.TAKEOUT_FIXTURES ?? resolve(root, "../shared/fixtures/takeout");

export interface FixturePage {
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/** The pages of a subfolder in the order of their names; undefined, with a line that says so, where it is absent. */
export function fixturePages(subfolder: string): FixturePage[] | undefined {
  const path = join(folder, subfolder);
  if (!existsSync(path)) {
    console.log(`skipped: the real pages of ${subfolder} are absent (${path})`);
    return undefined;
  }
  const names = readdirSync(path).filter((name) => name.endsWith(".html"));
  return names.sort().map((fileName) => ({ fileName, bytes: readFileSync(join(path, fileName)) }));
}

export function fixtureText(path: string): string {
  return readFileSync(join(folder, path), "utf8");
}
