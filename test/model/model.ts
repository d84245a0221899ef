// What check:model explores: named models of each protocol, built over a (perhaps mutated) library.

import type { FailureKind } from "../../src/testing/judge.ts";
import type { ExploreOptions } from "../../src/testing/options.ts";
import type { Library, Needs } from "./library.ts";

export interface Model {
  readonly name: string;
  /** Part of the short form that runs within `npm test`. */
  readonly short: boolean;
  /** Takes longer than everything else together: part of the long form alone. */
  readonly long?: boolean;
  readonly options: ExploreOptions<Int32Array>;
}

export interface Protocol {
  readonly name: string;
  /** Whether sleepers look for deadlocks in it. */
  readonly looks?: boolean;
  /** Whether deaths are learnt by asking only. */
  readonly asks?: boolean;
  /** Whether it is one of the tables. */
  readonly tables?: boolean;
  models(library: Library): readonly Model[];
  readonly mutants: readonly Mutant[];
}

export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The model that must fail, and how. */
  readonly model: string;
  readonly expect: readonly (FailureKind | "endless")[];
}

/** What of the library its models need. */
export function needsOf({ looks, asks, tables = false }: Protocol): Needs {
  return { looks, asks, tables };
}
