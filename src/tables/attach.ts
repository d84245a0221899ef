// Which table an options object or a handle means: found, made or attached.

import { describe } from "../cells/deadline.ts";
import { HoldfastError } from "../cells/errors.ts";
import { defaultRegion, defaultRegionForNames } from "../region/default-region.ts";
import { KIND_TABLE } from "../region/layout.ts";
import { Region, type RegionHandle } from "../region/region.ts";
import { checkCapacity, createTable, noSuchTable } from "./create.ts";
import { type Face, parseSchema, type Schema } from "./schema.ts";

/** What makes or finds a table, as the implementation sees it. */
export interface AnyTableOptions {
  readonly name?: string | undefined;
  readonly region?: Region | undefined;
  readonly key?: unknown;
  readonly columns?: unknown;
  readonly capacity?: number | undefined;
  /** How messages call it and what is in it, for classes that are tables beneath. */
  readonly face?: Face | undefined;
  /** Leaves the locks out: wrong as soon as two threads write. For measuring what locking costs. */
  readonly unlocked?: boolean | undefined;
}

/** What `share()` gives: structured-cloneable. */
export interface AnyTableHandle {
  readonly holdfast: "table";
  readonly region: RegionHandle;
  readonly offset: number;
  readonly serial: number;
}

/** Where a handle's table lies; keyed by the options object that only `from` makes. */
const attachments = new WeakMap<object, { region: Region; offset: number }>();

/** Where the table of these options lies, made if need be, and its schema if the options declare it. */
export function locate(
  options: AnyTableOptions,
  label: string,
): { readonly region: Region; readonly offset: number; readonly declared: Schema | undefined } {
  const attached = attachments.get(options);
  const declared =
    options.key === undefined && options.columns === undefined && (attached !== undefined || options.name !== undefined)
      ? undefined
      : parseSchema(options.key, options.columns, label, options.face);
  const capacity = checkCapacity(options.capacity, label);
  const region = attached?.region ?? regionFor(options);
  const offset = attached?.offset ?? place(region, options.name, declared, capacity, label);
  return { region, offset, declared };
}

/** Options that mean the table of this handle. Throws TypeError, ERR_REGION_*, ERR_CLOSED. */
export function optionsOf(handle: AnyTableHandle, options: Omit<AnyTableOptions, "name" | "region">): AnyTableOptions {
  if (typeof handle !== "object" || handle === null || typeof handle.holdfast !== "string") {
    throw new TypeError(`SharedTable.from needs the result of table.share(), got ${describe(handle)}`);
  }
  if (handle.holdfast !== "table") {
    const message = `SharedTable.from: the handle is of another kind (${describe(handle.holdfast)}): use its own class`;
    throw new HoldfastError("ERR_REGION_KIND", message, { expected: "table", found: handle.holdfast });
  }
  const region = Region.from(handle.region);
  region.check(handle.offset, KIND_TABLE, handle.serial, options.face?.className);
  const attached = { ...options, name: region.nameOf(handle.offset) };
  attachments.set(attached, { region, offset: handle.offset });
  return attached;
}

function regionFor(options: AnyTableOptions): Region {
  if (options.region === undefined) return options.name === undefined ? defaultRegion() : defaultRegionForNames();
  if (options.region instanceof Region) return options.region;
  throw new TypeError(`region must be a Region, got ${describe(options.region)}`);
}

function place(
  region: Region,
  name: string | undefined,
  schema: Schema | undefined,
  capacity: number | undefined,
  label: string,
): number {
  const create = (): number => {
    if (schema === undefined) throw noSuchTable(String(name), label);
    return createTable(region, schema, capacity);
  };
  return name === undefined ? create() : region.findOrCreate(name, KIND_TABLE, create);
}
