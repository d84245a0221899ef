// The table of locks: sorted, filtered, cut off with a button for the rest. A lock's name chooses it for the sections
// below.

import type { PageLock } from "../render/page-data.ts";
import { ratio } from "../render/summary.ts";
import { percent, plural, shortCount, time } from "../render/units.ts";
import { h, scrolled, section } from "./dom.ts";
import { barCell, more, num } from "./parts.ts";
import { type App, capped, choose, chosen, type SortKey } from "./state.ts";

const ROWS = 25;

const VALUE: Readonly<Record<Exclude<SortKey, "title">, (lock: PageLock) => number>> = {
  wait: ({ wait }) => wait,
  contended: ({ contended }) => contended,
  rate: ({ contended, acquisitions }) => ratio(contended, acquisitions),
  average: ({ wait, contended }) => ratio(wait, contended),
  maxWait: ({ maxWait }) => maxWait,
  hold: ({ meanHold }) => meanHold,
  acquisitions: ({ acquisitions }) => acquisitions,
};

const COLUMNS: readonly (readonly [SortKey, string, string])[] = [
  ["title", "Lock", "Kind and name"],
  ["wait", "Waited", "All waits for it, of all threads, together"],
  ["contended", "Waits", "Acquisitions that found it taken"],
  ["rate", "Contended", "Part of the acquisitions that found it taken"],
  ["average", "Avg wait", "Average of those waits"],
  ["maxWait", "Max wait", "The longest of them"],
  ["hold", "Avg hold", "How long it was kept, on average, reckoned from the holds that were timed"],
  ["acquisitions", "Acquisitions", "How often it was taken"],
];

function sorted({ data, state }: App): PageLock[] {
  const wanted = state.filter.toLowerCase();
  const found = data.locks.filter(({ title }) => title.toLowerCase().includes(wanted));
  const { sort } = state;
  const order =
    sort === "title"
      ? (a: PageLock, b: PageLock): number => (a.title < b.title ? 1 : a.title > b.title ? -1 : 0)
      : (a: PageLock, b: PageLock): number => VALUE[sort](b) - VALUE[sort](a);
  return found.sort(state.ascending ? (a, b) => order(b, a) : order);
}

function header(app: App): HTMLElement {
  const { state } = app;
  const cells = COLUMNS.map(([key, title, meaning]) => {
    const active = state.sort === key;
    const click = (): void => {
      state.ascending = active ? !state.ascending : key === "title";
      state.sort = key;
      app.refresh();
    };
    const order = active ? (state.ascending === (key !== "title") ? "ascending" : "descending") : "none";
    const arrow = active ? (state.ascending ? " ▲" : " ▼") : "";
    const button = h("button", { "data-key": `sort-${key}`, title: meaning, click }, title + arrow);
    return h("th", { scope: "col", "aria-sort": order, class: key === "title" ? "" : "num" }, button);
  });
  return h("thead", {}, h("tr", {}, ...cells));
}

function troubles({ timeouts, ownerDeaths, deadlocks }: PageLock): HTMLElement[] {
  const all = [
    [deadlocks, "deadlock"],
    [ownerDeaths, "owner death"],
    [timeouts, "time-out"],
  ] as const;
  return all.filter(([n]) => n > 0).map(([n, what]) => h("span", { class: "badge" }, plural(n, what)));
}

function row(app: App, lock: PageLock, most: number, isChosen: boolean): HTMLElement {
  const click = (): void => choose(app, lock.id);
  const name = h(
    "button",
    { "data-key": `lock-${lock.id}`, "aria-pressed": String(isChosen), class: "name", click },
    lock.title,
  );
  return h(
    "tr",
    { class: isChosen ? "chosen" : "" },
    h("th", { scope: "row" }, name, ...troubles(lock)),
    barCell(time(lock.wait), ratio(lock.wait, most)),
    num(shortCount(lock.contended)),
    num(percent(VALUE.rate(lock))),
    num(time(VALUE.average(lock))),
    num(time(lock.maxWait)),
    num(time(VALUE.hold(lock))),
    num(shortCount(lock.acquisitions)),
  );
}

/** Where the rows stand as before, only those made anew are exchanged: the browser keeps what it knows of the others. */
function putRows(body: HTMLElement, rows: readonly HTMLElement[]): void {
  const old = [...body.children];
  const inPlace = old.length === rows.length && rows.every((row, i) => row === old[i] || row.parentNode === null);
  if (!inPlace) body.replaceChildren(...rows);
  else for (const [i, row] of rows.entries()) if (row !== old[i]) old[i].replaceWith(row);
}

/** A part of the page that stays and is brought up to date. */
export interface LockTable {
  readonly element: HTMLElement;
  update(): void;
}

/** The table; rows that show what they showed before stay as they are, so that a thousand of them can be updated. */
export function lockTable(app: App): LockTable {
  const known = new Map<string, { readonly shows: string; readonly row: HTMLElement }>();
  const input = (): void => {
    app.state.filter = field.value;
    update();
  };
  const field = h("input", { type: "search", placeholder: "Name or kind", input });
  const filter = h("label", { class: "filter" }, "Find ", field);
  const body = h("tbody");
  const table = h("table", {}, body);
  const [none, rest] = [h("p", { class: "soft" }), h("div")];
  const how =
    "A lock that others wait for long is where threads queue up. Choose one to see who blocked whom, and when.";
  const element = section("locks", "Locks, most waited-for first", how, filter, scrolled("Locks", table), none, rest);
  const rowOf = (lock: PageLock, most: number, isChosen: boolean): HTMLElement => {
    const { threads: _, waits: __, holds: ___, ...numbers } = lock;
    const shows = JSON.stringify([isChosen, most, numbers]);
    const old = known.get(lock.id);
    if (old?.shows === shows) return old.row;
    const made = row(app, lock, most, isChosen);
    known.set(lock.id, { shows, row: made });
    return made;
  };
  const update = (): void => {
    const all = sorted(app);
    const most = app.data.locks[0]?.wait ?? 0;
    const current = app.data.locks[chosen(app)];
    const rows = capped(app, "locks", all, ROWS).map((lock) => rowOf(lock, most, lock === current));
    table.tHead?.remove();
    table.prepend(header(app));
    putRows(body, rows);
    filter.hidden = app.data.locks.length <= 8;
    none.hidden = all.length > 0;
    none.textContent = app.data.locks.length === 0 ? "No lock was used." : "No lock has that name.";
    rest.replaceChildren(more(app, "locks", all.length, ROWS, "locks") ?? "");
  };
  return { element, update };
}
