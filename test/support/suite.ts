// uvu's suite, but for one trap: uvu takes an error's `details` for text of its own. A HoldfastError, whose details are an
// object, would end the whole suite without a word; here it fails its test, with everything that it says.

import { suite as uvuSuite } from "uvu";
import { HoldfastError } from "../../src/cells/errors.ts";

export interface Suite {
  (name: string, body: () => unknown): void;
  run(): void;
}

export function suite(name: string): Suite {
  const tests = uvuSuite(name);
  const test = (title: string, body: () => unknown): void => {
    tests(title, async () => {
      try {
        await body();
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        const told = `${error.name}: ${error.message}\n${JSON.stringify(error.details)}\n${error.stack}`;
        throw new Error(told, { cause: error });
      }
    });
  };
  return Object.assign(test, { run: () => tests.run() });
}
