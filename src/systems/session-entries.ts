// The entries of a session store as the lock's holder sees and changes them.
//
// An atomicUpdate() collects its changes, and those of the operations nested in it, in private memory (a draft), and
// stores them in one transaction when the outermost callback has returned. What it throws drops the draft.
//
// Invariant: all methods are called with the store's lock held, so a thread has one row of drafts open, each nested in
// the one before, and the table changes by one transaction a step.

import type { Parts } from "./session-parts.ts";

/** Changes that an atomicUpdate() of this thread has collected: key → JSON, undefined to delete. */
export type Draft = Map<string, string | undefined>;

/** The open drafts of this thread by the place of their store's lock, for two objects may stand for one store. */
const drafts = new Map<string, Draft>();

export class SessionEntries {
  readonly #values: Parts["values"];
  readonly #place: string;

  /** `place` is that of the store's lock: whoever gives the same one shares the drafts. */
  constructor(values: Parts["values"], place: string) {
    this.#values = values;
    this.#place = place;
  }

  /** The JSON of the key as this thread sees it, or undefined. */
  read(key: string): string | undefined {
    const draft = drafts.get(this.#place);
    return draft?.has(key) ? draft.get(key) : this.#values.get(key)?.json;
  }

  /** Everything as this thread sees it: the table, with the open draft over it. */
  all(): Map<string, string | undefined> {
    const all = new Map<string, string | undefined>();
    for (const [key, { json }] of this.#values.snapshot()) all.set(key, json);
    for (const [key, json] of drafts.get(this.#place) ?? []) {
      if (json === undefined) all.delete(key);
      else all.set(key, json);
    }
    return all;
  }

  /** Runs `work` with a draft open, nested in the one that is open already, and makes its changes once it has returned. */
  drafted<T>(work: (draft: Draft) => T): T {
    const outer = drafts.get(this.#place);
    const draft: Draft = new Map(outer);
    drafts.set(this.#place, draft);
    let result: T;
    try {
      result = work(draft);
    } finally {
      if (outer === undefined) drafts.delete(this.#place);
      else drafts.set(this.#place, outer);
    }
    this.write(draft);
    return result;
  }

  /** Makes all changes in one step: in the open draft if there is one, else in the table. */
  write(changes: ReadonlyMap<string, string | undefined>): void {
    const draft = drafts.get(this.#place);
    if (draft !== undefined) {
      for (const [key, json] of changes) draft.set(key, json);
      return;
    }
    if (changes.size > 1) this.#writeTogether(changes);
    for (const [key, json] of changes.size === 1 ? changes : []) {
      if (json === undefined) this.#values.delete(key);
      else this.#values.set(key, { json });
    }
  }

  #writeTogether(changes: ReadonlyMap<string, string | undefined>): void {
    this.#values.transaction(changes.keys(), (tx) => {
      for (const [key, json] of changes) {
        if (json === undefined) tx.delete(key);
        else tx.set(key, { json });
      }
    });
  }
}
