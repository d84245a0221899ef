// uvu's suite, but for one trap: uvu takes an error's `details` for text of its own. A HoldfastError, whose details are an
// object, would end the whole suite without a word; here it fails its test, with everything that it says.
//
// And it leaves out, with a word, the tests that support/runtime-limits.ts names for this runtime; with HOLDFAST_LIMITED=1
// it runs just these.

import { suite as uvuSuite } from "uvu";
import { HoldfastError } from "../../src/cells/errors.ts";
import { kindOfRuntime, reasonToSkip } from "./runtime-limits.ts";

export interface Suite {
  (name: string, body: () => unknown): void;
  run(): void;
}

/** The test file that this process runs; "" where a page does (it has limits of its own). */
const file = /\btest\/.*(?=\.js$)/.exec((globalThis.process?.argv?.[1] ?? "").replaceAll("\\", "/"))?.[0] ?? "";
const isOther = globalThis.process?.versions?.node !== undefined && kindOfRuntime() !== "node";
/** A file that is left out as a whole runs as a whole. */
const onlyLimited =
  isOther && process.env.HOLDFAST_LIMITED === "1" && reasonToSkip(kindOfRuntime(), `${file}.ts`) === undefined;

function reasonHere(title: string): string | undefined {
  return isOther ? reasonToSkip(kindOfRuntime(), `${file}.ts`, title) : undefined;
}

export function suite(name: string): Suite {
  const tests = uvuSuite(name);
  const test = (title: string, body: () => unknown): void => {
    const reason = reasonHere(title);
    if (onlyLimited && reason === undefined) return;
    if (reason !== undefined && !onlyLimited) {
      console.log(`skipped: ${title}: ${reason}`);
      tests.skip(title, body as () => void);
      return;
    }
    tests(title, async () => {
      try {
        await body();
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        const told = `${error.name}: ${error.message}\n${JSON.stringify(error.info)}\n${error.stack}`;
        throw new Error(told, { cause: error });
      }
    });
  };
  return Object.assign(test, { run: () => tests.run() });
}
