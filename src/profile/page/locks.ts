// The table of locks: sorted, filtered, cut off with a button for the rest. A lock's name chooses it for the sections
// below.

import type { PageLock } from "../render/page-data.ts";
import { ratio } from "../render/summary.ts";
import { percent, plural, shortCount, time } from "../render/units.ts";
import { h, scrolled, section } from "./dom.ts";
import { barCell, more, num } from "./parts.ts";
import { type App, choose, chosen, type SortKey } from "./state.ts";

const ROWS = 25;

const VALUE: Readonly<Record<Exclude<SortKey, "title">, (lock: PageLock) => number>> = {
  wait: ({ wait }) => wait,
  contended: ({ contended }) => contended,
  rate: ({ contended, acquisitions }) => ratio(contended, acquisitions),
  average: ({ wait, contended }) => ratio(wait, contended),
  maxWait: ({ maxWait }) => maxWait,
  hold: ({ hold, timedHolds }) => ratio(hold, timedHolds),
  acquisitions: ({ acquisitions }) => acquisitions,
};

const COLUMNS: readonly (readonly [SortKey, string, string])[] = [
  ["title", "Lock", "Kind and name"],
  ["wait", "Waited", "All waits for it, of all threads, together"],
  ["contended", "Waits", "Acquisitions that found it taken"],
  ["rate", "Contended", "Part of the acquisitions that found it taken"],
  ["average", "Avg wait", "Average of those waits"],
  ["maxWait", "Max wait", "The longest of them"],
  ["hold", "Avg hold", "How long it was kept, on average of the holds that were timed"],
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

export function locks(app: App): HTMLElement {
  const all = sorted(app);
  const shown = app.state.open.has("locks") ? all : all.slice(0, ROWS);
  const most = app.data.locks[0]?.wait ?? 0;
  const current = app.data.locks[chosen(app)];
  const rows = shown.map((lock) => row(app, lock, most, lock === current));
  const input = (event: Event): void => {
    app.state.filter = (event.target as HTMLInputElement).value;
    app.refresh();
  };
  const filter = h("input", {
    type: "search",
    "data-key": "filter",
    value: app.state.filter,
    placeholder: "Name or kind",
    input,
  });
  const none =
    all.length === 0 &&
    h("p", { class: "soft" }, app.data.locks.length === 0 ? "No lock was used." : "No lock has that name.");
  return section(
    "locks",
    "Locks, most waited-for first",
    "A lock that others wait for long is where threads queue up. Choose one to see who blocked whom, and when.",
    app.data.locks.length > 8 && h("label", { class: "filter" }, "Find ", filter),
    scrolled("Locks", h("table", {}, header(app), h("tbody", {}, ...rows))),
    none,
    more(app, "locks", all.length, ROWS, "locks"),
  );
}
