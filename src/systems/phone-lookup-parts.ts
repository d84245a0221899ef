// What a phone lookup consists of: its options, its tables and its lock in a region, and the handle that carries them
// to another thread.
import { Mutex, type MutexHandle } from "../locks/mutex.ts";
import { defaultRegion } from "../region/default-region.ts";
import { Region, type RegionHandle } from "../region/region.ts";
import { SharedTable, type TableHandle } from "../tables/shared-table.ts";
import { SAVE_COLUMNS, type SaveRow } from "./lookup-saver.ts";
import { PHONE_COLUMNS, type PhoneRow } from "./phone-rows.ts";

/** What a prompt is given. */
export interface PhoneQuestion {
  readonly phone: string;
  /** The name that the page at hand has for the number. */
  readonly suggestion: string | undefined;
}

export interface PhoneLookupOptions {
  /** The lookup file; read at once, created with its folders if absent. Without one everything stays in memory. */
  readonly file?: string;
  readonly region?: Region;
  readonly name?: string;
  /**
   * Asks a person for a number's name; called in this thread only, once per number over all threads, with no lock
   * held. What it returns is kept and saved at once; undefined leaves the number without a name. Threads without a
   * prompt get the number itself for numbers nobody has named yet, and names on pages become suggestions only.
   */
  readonly prompt?: (question: PhoneQuestion) => string | undefined;
  /** Whether `isFiltered` looks at the filters (default true). */
  readonly skipFiltered?: boolean;
  /** Changes that make one batched save (default 100). */
  readonly batchSize?: number;
  /**
   * Whether names from pages are saved in batches, and what is left at exit (default true). Without it only explicit
   * changes and `save` write the file: for runs that must not leave names behind that are not final yet.
   */
  readonly autosave?: boolean;
}

/** What `share()` gives: plain data for `workerData` or `postMessage`. */
export interface PhoneLookupHandle {
  readonly holdfast: "phone-lookup";
  readonly region: RegionHandle;
  readonly phones: TableHandle<string, PhoneRow>;
  readonly saves: TableHandle<string, SaveRow>;
  readonly counts: TableHandle<string, { value: number }>;
  readonly mutex: MutexHandle;
  readonly file: string | undefined;
  readonly prompts: boolean;
  readonly skipFiltered: boolean;
  readonly batchSize: number;
  readonly autosave: boolean;
}

/** Where a lookup's state lies, as one thread sees it. */
export interface Parts {
  readonly region: Region;
  readonly phones: SharedTable<string, PhoneRow>;
  readonly saves: SharedTable<string, SaveRow>;
  readonly counts: SharedTable<string, { value: number }>;
  readonly mutex: Mutex;
  readonly settings: Pick<PhoneLookupHandle, "file" | "prompts" | "skipFiltered" | "batchSize" | "autosave">;
}

/** Makes a lookup's tables, or attaches to those of its name. */
export function makeParts(options: PhoneLookupOptions): Parts {
  const { name, batchSize = 100, skipFiltered = true, autosave = true } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new RangeError(`batchSize must be ≥ 1, not ${batchSize}`);
  const region = options.region ?? defaultRegion();
  const named = (part: string): { region: Region; name?: string } =>
    name === undefined ? { region } : { region, name: `${name}.${part}` };
  return {
    region,
    phones: new SharedTable({ ...named("phones"), key: "string", columns: PHONE_COLUMNS }),
    saves: new SharedTable({ ...named("saves"), key: "string", columns: SAVE_COLUMNS, capacity: 1 }),
    counts: new SharedTable({ ...named("counts"), key: "string", columns: { value: "f64" }, capacity: 16 }),
    mutex: new Mutex(named("file")),
    settings: { file: options.file, prompts: options.prompt !== undefined, skipFiltered, batchSize, autosave },
  };
}

/** Attaches to the tables of a handle. */
export function partsOf(handle: PhoneLookupHandle): Parts {
  if (handle?.holdfast !== "phone-lookup") throw new TypeError("this is no handle of a PhoneLookup");
  const { file, prompts, skipFiltered, batchSize, autosave } = handle;
  return {
    region: Region.from(handle.region),
    phones: SharedTable.from(handle.phones),
    saves: SharedTable.from(handle.saves),
    counts: SharedTable.from(handle.counts),
    mutex: Mutex.from(handle.mutex),
    settings: { file, prompts, skipFiltered, batchSize, autosave },
  };
}

/** The handle for another thread. */
export function shareParts({ region, phones, saves, counts, mutex, settings }: Parts): PhoneLookupHandle {
  return {
    holdfast: "phone-lookup",
    region: region.share(),
    phones: phones.share(),
    saves: saves.share(),
    counts: counts.share(),
    mutex: mutex.share(),
    ...settings,
  };
}
