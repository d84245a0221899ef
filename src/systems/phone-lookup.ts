// Names of phone numbers, shared by all threads: one table (phone → name and filter), kept in one text file.
//
// A number's row (phone-rows.ts): alias, rank, filter. The rank says how good the alias is: -1 from the file or a
// person, else the place of its page in the order of file names; NO_NAME where there is none.
//
// Invariant: a rank never rises, and an alias of rank 0 or more is only ever replaced by one of a lower rank (a
// put-if-lower in one update under the shard's lock). So once every page has been read, each number has the name of
// the first page that names it, whatever the timing and the number of threads. Alias and filter stand in one row: no
// reader sees a contact without the filter that was set with it. Pages are searched for names, files are written and
// people are asked outside any table's lock.
import { extractAlias, sanitizeAlias } from "./alias.ts";
import { atExit } from "./atomic-write-files.ts";
import { type LockStats, sumLockStats } from "./lock-stats.ts";
import type { LookupEntries, LookupWarning } from "./lookup-file.ts";
import { LookupSaver } from "./lookup-saver.ts";
import type { PageNames } from "./page.ts";
import {
  makeParts,
  type Parts,
  type PhoneLookupHandle,
  type PhoneLookupOptions,
  partsOf,
  shareParts,
} from "./phone-lookup-parts.ts";
import {
  EXCLUDED,
  entriesOf,
  FIXED_RANK,
  isNamed,
  LAST_RANK,
  NO_NAME,
  NO_ROW,
  type PhoneRow,
  storeEntries,
} from "./phone-rows.ts";

export { extractAlias, sanitizeAlias } from "./alias.ts";
export { formatLookup, type LookupEntries, type LookupWarning, parseLookup } from "./lookup-file.ts";
export type { NamedScope, PageNames, TelLink } from "./page.ts";
export type { PhoneLookupHandle, PhoneLookupOptions, PhoneQuestion } from "./phone-lookup-parts.ts";

function phoneOf(phone: unknown): string {
  if (typeof phone !== "string") throw new TypeError(`a phone number is a string, not ${typeof phone}`);
  return phone.trim();
}

function requiredPhone(phone: unknown): string {
  const trimmed = phoneOf(phone);
  if (trimmed === "") throw new RangeError("the phone number is empty");
  return trimmed;
}

/**
 * The phone lookup of all threads. Made in one thread; every other attaches by {@link PhoneLookup.from}. Calls block
 * for a table's lock for moments only, and for the disk where they say that they save.
 * @example
 * const lookup = new PhoneLookup({ file: "phone_lookup.txt" });
 * new Worker(url, { workerData: lookup.share() }); // there: PhoneLookup.from(workerData).getAlias("+15550100")
 */
export class PhoneLookup {
  readonly #parts: Parts;
  readonly #saver: LookupSaver;
  readonly #prompt: PhoneLookupOptions["prompt"];
  readonly #counter: string;
  #forgetExit: (() => void) | undefined;
  /** What could not be taken from the file as it stood, with line numbers; in the thread that read it. */
  readonly warnings: readonly LookupWarning[];

  /**
   * Makes a lookup and reads its file; what is not yet saved when this process exits is saved then.
   * @throws FileError where the file can't be read or made.
   */
  constructor(options: PhoneLookupOptions = {}, /** @internal */ attached?: Parts) {
    this.#parts = attached ?? makeParts(options);
    this.#prompt = options.prompt;
    const { phones, saves, mutex, settings, region } = this.#parts;
    // Each thread counts in a row of its own, so that counting a lookup waits for nobody.
    this.#counter = `lookups of ${region.me}`;
    this.#saver = new LookupSaver({ table: saves, mutex, snapshot: () => this.entries(), ...settings });
    let warnings: readonly LookupWarning[] = [];
    this.warnings = warnings;
    if (attached !== undefined) return;
    this.#saver.load((parsed) => {
      warnings = parsed.warnings;
      storeEntries(phones, parsed);
    });
    this.warnings = warnings;
    if (settings.file !== undefined && settings.autosave) this.#forgetExit = atExit(() => this.#saver.forceIfNeeded());
  }

  /** The same lookup in another thread. Throws TypeError for what is no handle, ERR_REGION_* where it does not fit. */
  static from(handle: PhoneLookupHandle): PhoneLookup {
    return new PhoneLookup({}, partsOf(handle));
  }

  /** The lookup of this name in the region, made if there is none yet. */
  static named(name: string, options: Omit<PhoneLookupOptions, "name"> = {}): PhoneLookup {
    return new PhoneLookup({ ...options, name });
  }

  /** A small handle for workerData or postMessage. */
  share(): PhoneLookupHandle {
    return shareParts(this.#parts);
  }

  /**
   * The name everything of a number is written under; the number itself where there is none.
   * @param names what the page at hand says of names; without it nothing new is learnt.
   * @param rank the page's place in the order of file names: of names that disagree the lowest rank's wins. While
   * pages are still being read the answer is the best name so far.
   */
  getAlias(phone: string, names?: PageNames, rank: number = LAST_RANK): string {
    const key = phoneOf(phone);
    this.#parts.counts.add(this.#counter, "value", 1);
    if (key === "") return phone;
    const row = this.#parts.phones.get(key) ?? NO_ROW;
    if (row.rank <= rank || (names === undefined && isNamed(row))) return row.alias;
    const known = isNamed(row) ? row.alias : key;
    const extracted = names === undefined ? undefined : extractAlias(names, key);
    if (this.#parts.settings.prompts) return isNamed(row) ? known : this.#ask(key, extracted);
    return extracted === undefined ? known : this.#put(key, extracted, rank);
  }

  /** Put-if-lower: the winner's name is returned, whoever the winner is. */
  #put(key: string, alias: string, rank: number): string {
    let changed = false;
    const winner = this.#parts.phones.update(key, (old = NO_ROW) => {
      changed = old.rank > rank && old.alias !== alias;
      return old.rank > rank ? { ...old, alias, rank } : old;
    });
    if (changed) this.#saver.noteChange();
    return winner?.alias ?? alias;
  }

  /** Asks once per number over all threads: whoever sets the row's mark asks, with no lock held. */
  #ask(key: string, suggestion: string | undefined): string {
    if (this.#prompt === undefined) return key;
    let mine = false;
    const row = this.#parts.phones.update(key, (old = NO_ROW) => {
      mine = !old.asked && old.rank === NO_NAME;
      return mine ? { ...old, asked: true } : old;
    });
    if (!mine) return row !== undefined && isNamed(row) ? row.alias : key;
    let answer: string | undefined;
    try {
      answer = this.#prompt({ phone: key, suggestion });
    } catch (error) {
      this.#change(key, (old) => ({ ...old, asked: false }));
      throw error;
    }
    if (answer === undefined || answer.trim() === "") return key;
    return this.addAlias(key, answer);
  }

  /** Changes a row under its lock; a row that says nothing any more vanishes. */
  #change(key: string, fn: (row: PhoneRow) => PhoneRow): void {
    this.#parts.phones.update(key, (old) => {
      const row = fn(old ?? NO_ROW);
      return isNamed(row) || row.filter !== "" || row.asked ? row : undefined;
    });
  }

  /**
   * Names a number for good: no page's name replaces it. Saves at once.
   * @returns the sanitized alias.
   * @throws FileError where it can't be saved; the name is there all the same.
   */
  addAlias(phone: string, alias: string): string {
    const key = requiredPhone(phone);
    const sanitized = sanitizeAlias(alias);
    this.#change(key, (row) => ({ ...row, alias: sanitized, rank: FIXED_RANK }));
    this.#saver.force();
    return sanitized;
  }

  /** Filters a number, with a reason such as `spam`. Saves at once. */
  addFilter(phone: string, reason = "filter"): void {
    const key = requiredPhone(phone);
    const filter = reason.trim() === "" ? "filter" : reason.trim();
    this.#change(key, (row) => ({ ...row, filter }));
    this.#saver.force();
  }

  /** Excludes a number: a filter with the reason `excluded:<reason>`. Saves at once. */
  exclude(phone: string, reason = "user request"): void {
    this.addFilter(phone, EXCLUDED + reason.trim());
  }

  /** Takes an exclusion back; other filters stay. Saves at once. @returns whether the number was excluded. */
  unexclude(phone: string): boolean {
    let excluded = false;
    this.#change(requiredPhone(phone), (row) => {
      excluded = row.filter.startsWith(EXCLUDED);
      return excluded ? { ...row, filter: "" } : row;
    });
    if (excluded) this.#saver.force();
    return excluded;
  }

  #filterOf(phone: string): string {
    return this.#parts.phones.get(phoneOf(phone))?.filter ?? "";
  }

  /** Whether the number is filtered or excluded; false while filtering is off. */
  isFiltered(phone: string): boolean {
    return this.#parts.settings.skipFiltered && this.#filterOf(phone) !== "";
  }

  /** The filter's reason (`filter`, a type, `excluded:<reason>`), undefined without a filter. */
  getFilterInfo(phone: string): string | undefined {
    return this.#filterOf(phone) || undefined;
  }

  isExcluded(phone: string): boolean {
    return this.#filterOf(phone).startsWith(EXCLUDED);
  }

  /** Why the number is excluded, undefined if it is not. */
  getExclusionReason(phone: string): string | undefined {
    const filter = this.#filterOf(phone);
    return filter.startsWith(EXCLUDED) ? filter.slice(EXCLUDED.length) : undefined;
  }

  hasAlias(phone: string): boolean {
    return isNamed(this.#parts.phones.get(phoneOf(phone)) ?? NO_ROW);
  }

  /** Every alias by phone: a copy, of one moment. */
  getAllAliases(): Map<string, string> {
    return new Map(this.entries().aliases);
  }

  /** Every alias and every filter, of one moment. */
  entries(): LookupEntries {
    return entriesOf(this.#parts.phones.snapshot());
  }

  /**
   * Whether a group is to be left out: it has more than one participant, and all of them but the owner are filtered.
   * @param ownNumber the owner's number, "" where it is not known.
   */
  shouldFilterGroupConversation(participants: readonly string[], ownNumber = ""): boolean {
    if (participants.length < 2) return false;
    const others = participants.filter((phone) => ownNumber === "" || phoneOf(phone) !== ownNumber.trim());
    return others.length > 0 && others.every((phone) => this.isFiltered(phone));
  }

  /** How many times getAlias was called, over all threads; exact. */
  get lookups(): number {
    let sum = 0;
    for (const { value } of this.#parts.counts.snapshot().values()) sum += value;
    return sum;
  }

  /** How often the locks of the lookup's tables were acquired, and how often that meant waiting. */
  get lockStats(): LockStats {
    const { phones, saves, counts } = this.#parts;
    return sumLockStats([phones.stats(), saves.stats(), counts.stats()]);
  }

  /** Changes that no save has been asked for yet; exact. */
  get unsaved(): number {
    return this.#saver.unsaved;
  }

  /** Batched saves so far: one for every `batchSize` changes; exact. */
  get flushes(): number {
    return this.#saver.flushes;
  }

  /** Counts one change, and saves when it fills a batch. */
  saveBatched(): void {
    this.#saver.noteChange();
  }

  /** Saves now. Blocks for the disk, and for a save that another thread has begun. @throws FileError */
  save(): void {
    this.#saver.force();
  }

  /** Saves what is not saved yet, and saves no more at exit. */
  close(): void {
    this.#forgetExit?.();
    this.#forgetExit = undefined;
    if (this.#parts.settings.autosave) this.#saver.forceIfNeeded();
  }
}
