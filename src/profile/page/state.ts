// What the reader has chosen. It outlives updates of the data: locks are named by their id, not by their place.

import type { PageData } from "../render/page-data.ts";

export type SortKey = "title" | "wait" | "contended" | "rate" | "average" | "maxWait" | "hold" | "acquisitions";

export interface State {
  /** Id of the chosen lock; "": the first. */
  lock: string;
  sort: SortKey;
  ascending: boolean;
  filter: string;
  /** Lists that are shown whole, and stacks that are open. */
  readonly open: Set<string>;
}

export interface App {
  data: PageData;
  readonly state: State;
  /** Draws everything anew and keeps the focus. */
  refresh(): void;
}

/** Index of the chosen lock; -1 if there is none. */
export function chosen({ data, state }: App): number {
  const at = data.locks.findIndex(({ id }) => id === state.lock);
  return at < 0 ? Math.min(0, data.locks.length - 1) : at;
}

export function choose(app: App, id: string): void {
  app.state.lock = id;
  app.refresh();
}

/** The first items, and a button for the rest. */
export function capped<T>(app: App, key: string, items: readonly T[], most: number): readonly T[] {
  return app.state.open.has(key) ? items : items.slice(0, most);
}

export function toggle(app: App, key: string): void {
  if (!app.state.open.delete(key)) app.state.open.add(key);
}
