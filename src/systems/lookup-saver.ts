// When the lookup file is written, and by whom: batched and forced saves from any number of threads.
//
// Shared state, one row of a table: unsaved (changes since the last request), requested (saves asked for), written
// (the newest request whose changes are in the file), flushes (requests made because a batch was full).
//
//   change:  unsaved + 1; at a full batch unsaved = 0, requested + 1      one update of the row: nobody counts twice,
//   force:   unsaved = 0, requested + 1                                   nothing is left over, one flusher a batch
//   save r:  under the file's mutex: written >= r → someone newer has saved it; else upTo = requested, snapshot, write
//            the file, written = upTo
//
// Invariant: the file never goes back. Snapshots are taken and written under the mutex, one after the other, each with
// everything that was changed before its own upTo was read; a request that comes late finds written >= r and writes
// nothing. Locks are taken in the order file, then table, and never the other way: no change saves while it holds a
// table's lock. A writer that dies leaves the old file whole (temporary file and rename), so its mutex needs no repair.
import type { Mutex } from "../locks/mutex.ts";
import type { SharedTable } from "../tables/shared-table.ts";
import { backUpFileSync, readFileIfAny, writeFileAtomicSync } from "./atomic-write-files.ts";
import { formatLookup, LOOKUP_HEADER, type LookupEntries, type ParsedLookup, parseLookup } from "./lookup-file.ts";

export interface SaveRow {
  unsaved: number;
  requested: number;
  written: number;
  flushes: number;
  loaded: boolean;
  /** Whether there was a file before this run wrote one. */
  found: boolean;
}

export const SAVE_COLUMNS = {
  unsaved: "f64",
  requested: "f64",
  written: "f64",
  flushes: "f64",
  loaded: "bool",
  found: "bool",
} as const;

const ROW = "save";
const FRESH: SaveRow = { unsaved: 0, requested: 0, written: 0, flushes: 0, loaded: false, found: false };

/** `phone_lookup.txt` → `phone_lookup.start.txt`. */
function startName(file: string): string {
  const name = file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1);
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? `${name}.start` : `${name.slice(0, dot)}.start${name.slice(dot)}`;
}

export interface SaverOptions {
  readonly table: SharedTable<string, SaveRow>;
  readonly mutex: Mutex;
  /** Without a file everything is counted and nothing is written. */
  readonly file: string | undefined;
  readonly batchSize: number;
  /** Whether full batches are saved by themselves. */
  readonly autosave: boolean;
  /** One moment of everything that is to be saved. */
  readonly snapshot: () => LookupEntries;
}

export class LookupSaver {
  readonly #options: SaverOptions;

  constructor(options: SaverOptions) {
    this.#options = options;
  }

  get #row(): SaveRow {
    return this.#options.table.get(ROW) ?? FRESH;
  }

  /** Changes since the last request to save. */
  get unsaved(): number {
    return this.#row.unsaved;
  }

  /** Batches that became full. */
  get flushes(): number {
    return this.#row.flushes;
  }

  #change(fn: (row: SaveRow) => SaveRow): void {
    this.#options.table.update(ROW, (row) => fn(row ?? FRESH));
  }

  #locked<T>(fn: () => T): T {
    return this.#options.mutex.withLock(fn, { recover: () => {} });
  }

  /**
   * Reads the file into `store`, in the first thread that comes; creates it with its folders and a header where there
   * is none. Later calls wait for the first and do nothing.
   */
  load(store: (parsed: ParsedLookup) => void): void {
    const { file } = this.#options;
    if (file === undefined) return;
    this.#locked(() => {
      if (this.#row.loaded) return;
      const content = readFileIfAny(file);
      if (content === undefined) writeFileAtomicSync(file, LOOKUP_HEADER);
      else store(parseLookup(new TextDecoder().decode(content)));
      this.#change((row) => ({ ...row, loaded: true, found: content !== undefined }));
    });
  }

  /** Counts a change; the one that fills a batch saves. */
  noteChange(): void {
    let ticket = 0;
    this.#change((row) => {
      const unsaved = row.unsaved + 1;
      ticket = unsaved < this.#options.batchSize ? 0 : row.requested + 1;
      if (ticket === 0) return { ...row, unsaved };
      return { ...row, unsaved: 0, requested: ticket, flushes: row.flushes + 1 };
    });
    if (ticket > 0 && this.#options.autosave) this.#save(ticket);
  }

  /** Saves everything changed so far; returns when it, or something newer, is on the disk. */
  force(): void {
    let ticket = 0;
    this.#change((row) => {
      ticket = row.requested + 1;
      return { ...row, unsaved: 0, requested: ticket };
    });
    this.#save(ticket);
  }

  /** Saves only if something was changed, or could not be written, since the last save. */
  forceIfNeeded(): void {
    const { unsaved, requested, written } = this.#row;
    if (unsaved > 0 || written < requested) this.force();
  }

  #save(ticket: number): void {
    const { file, snapshot } = this.#options;
    if (file === undefined) {
      this.#change((row) => ({ ...row, written: Math.max(row.written, ticket) }));
      return;
    }
    this.#locked(() => {
      const { written, requested, found } = this.#row;
      if (written >= ticket) return;
      if (written === 0 && found) backUpFileSync(file, startName(file));
      const entries = snapshot();
      backUpFileSync(file);
      writeFileAtomicSync(file, formatLookup(entries));
      this.#change((row) => ({ ...row, written: requested }));
    });
  }
}
