// The chosen lock: histograms of its waits and holds, who blocked whom, and its threads.

import type { Bins, PageLock, SiteRow } from "../render/page-data.ts";
import { ratio } from "../render/summary.ts";
import { count, percent, plural, roundTime, shortCount, time } from "../render/units.ts";
import { h, scrolled, section, svg } from "./dom.ts";
import { barCell, more, num, stack } from "./parts.ts";
import { type App, capped, chosen } from "./state.ts";

/** How much is shown at first. */
const [HOLDERS, WAITERS, THREADS] = [5, 3, 8] as const;

/** The bound below which that part of the values lies. */
function quantile(bins: Bins, part: number): number {
  let total = 0;
  for (let i = 2; i < bins.length; i += 2) total += bins[i];
  let seen = 0;
  for (let i = 2; i < bins.length; i += 2) {
    seen += bins[i];
    if (seen >= part * total) return bins[i - 1];
  }
  return 0;
}

/** Times at which the axis has a mark: 1, 2 and 5 of each power of ten, as far as their words have room. */
function marks(from: number, to: number, x: (value: number) => number): number[] {
  const found: number[] = [];
  for (const factor of [1, 5, 2]) {
    for (let power = 1; power <= to; power *= 10) {
      const mark = power * factor;
      const free = found.every((other) => Math.abs(x(other) - x(mark)) >= 56);
      if (mark >= from && mark <= to && free) found.push(mark);
    }
  }
  return found;
}

function histogram(bins: Bins, what: string, kind: "wait" | "hold"): HTMLElement {
  if (bins.length === 0) return h("figure", {}, h("figcaption", {}, `No ${what} were timed.`));
  const [width, height, base] = [440, 150, 122];
  const low = Math.log(Math.max(1, Math.min(bins[0] || bins[1] / 2, bins[1] / 2)));
  const high = Math.log(bins[bins.length - 2] * 1.001);
  const x = (value: number): number => (width * (Math.log(Math.max(1, value)) - low)) / (high - low);
  const counts = bins.filter((_, i) => i > 0 && i % 2 === 0);
  const most = Math.max(...counts);
  const bars = counts.map((n, i) => {
    const [from, to] = [i === 0 ? bins[0] : bins[2 * i - 1], bins[2 * i + 1]];
    const left = Math.max(0, x(from));
    const tall = n === 0 ? 0 : Math.max(2, (n / most) * (base - 14));
    const title = svg("title", {}, `${time(from)} to ${time(to)}: ${count(n)}`);
    return svg(
      "rect",
      { x: left + 0.5, y: base - tall, width: Math.max(1, x(to) - left - 1), height: tall, rx: 1 },
      title,
    );
  });
  const labels = marks(Math.exp(low), Math.exp(high), x).flatMap((mark) => [
    svg("line", { x1: x(mark), x2: x(mark), y1: base, y2: base + 5 }),
    svg(
      "text",
      { x: x(mark), y: height - 8, "text-anchor": x(mark) < 20 ? "start" : x(mark) > width - 25 ? "end" : "middle" },
      roundTime(mark),
    ),
  ]);
  const middle = quantile(bins, 0.5);
  const said = `Half of the ${what} took less than ${time(middle)}, 99 % less than ${time(quantile(bins, 0.99))}.`;
  const axis = svg("line", { x1: 0, x2: width, y1: base, y2: base });
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: `histogram ${kind}`, role: "img", "aria-label": said },
    axis,
    ...bars,
    ...labels,
  );
  const top = h("span", { class: "soft" }, ` Tallest bar: ${count(most)}.`);
  return h(
    "figure",
    {},
    h("figcaption", {}, h("b", {}, what[0].toUpperCase() + what.slice(1)), " ", said, top),
    picture,
  );
}

interface Behind {
  readonly holder: number;
  wait: number;
  waits: number;
  readonly rows: SiteRow[];
}

function byHolder(rows: readonly SiteRow[]): Behind[] {
  const groups = new Map<number, Behind>();
  for (const row of rows) {
    const [, , holder, waits, wait] = row;
    let group = groups.get(holder);
    if (group === undefined) groups.set(holder, (group = { holder, wait: 0, waits: 0, rows: [] }));
    group.wait += wait;
    group.waits += waits;
    group.rows.push(row);
  }
  return [...groups.values()].sort((a, b) => b.wait - a.wait);
}

function blockers(app: App, lock: number): HTMLElement {
  const { data } = app;
  const rows = data.sites.filter(([of]) => of === lock).sort((a, b) => b[4] - a[4]);
  const all = rows.reduce((sum, row) => sum + row[4], 0);
  if (rows.length === 0) {
    const why =
      data.locks[lock].contended === 0
        ? "Nobody waited for this lock."
        : "No wait for this lock was sampled with its call site.";
    return h("p", { class: "soft" }, why);
  }
  const groups = byHolder(rows);
  const key = `sites-${data.locks[lock].id}`;
  const bodies = capped(app, key, groups, HOLDERS).map(({ holder, wait, waits, rows: behind }) => {
    const inner = `${key}-${holder}`;
    const head = h(
      "tr",
      { class: "holder" },
      barCell(time(wait), wait / all),
      num(percent(wait / all)),
      num(shortCount(waits)),
      h(
        "th",
        { scope: "rowgroup" },
        h("span", { class: "tag hold" }, "held from"),
        stack(app, inner, data.stacks[holder], "an unknown place"),
      ),
    );
    const waiting = capped(app, inner, behind, WAITERS).map(([, waiter, , n, time_]) => {
      const from = h(
        "td",
        {},
        h("span", { class: "tag wait" }, "waited in"),
        stack(app, `${inner}-${waiter}`, data.stacks[waiter], "an unknown place"),
      );
      return h("tr", {}, num(time(time_)), num(percent(time_ / all)), num(shortCount(n)), from);
    });
    const rest = more(app, inner, behind.length, WAITERS, "waiting places");
    return h("tbody", {}, head, ...waiting, rest && h("tr", {}, h("td", { colspan: 4 }, rest)));
  });
  const names = ["Waited", "Share", "Waits", "Where the lock was held from, and who waited behind it"];
  const head = h(
    "thead",
    {},
    h("tr", {}, ...names.map((name, i) => h("th", { scope: "col", class: i < 3 ? "num" : "" }, name))),
  );
  return h(
    "div",
    {},
    scrolled("Who blocked whom", h("table", { class: "sites" }, head, ...bodies)),
    more(app, key, groups.length, HOLDERS, "holding places"),
  );
}

function threadTable(app: App, lock: PageLock): HTMLElement | null {
  const rows = [...lock.threads].sort((a, b) => b[1] - a[1]);
  if (rows.length === 0) return null;
  const most = rows[0][1];
  const names = new Map(app.data.threadNumbers.map((number, i) => [number, app.data.threads[i].name]));
  const key = `threads-${lock.id}`;
  // The recorder may know the acquisitions of each thread only where they had to wait: then the column says nothing new.
  const whole = rows.reduce((sum, [, , , acquisitions]) => sum + acquisitions, 0) >= lock.acquisitions;
  const body = capped(app, key, rows, THREADS).map(([thread, wait, contended, acquisitions, hold, parks]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, names.get(thread) ?? `thread ${thread}`),
      barCell(time(wait), ratio(wait, most)),
      num(percent(ratio(wait, app.data.duration))),
      num(shortCount(contended)),
      num(shortCount(parks)),
      num(time(hold)),
      whole && num(shortCount(acquisitions)),
    ),
  );
  const titles = ["Thread", "Waited", "Of its time", "Waits", "Sleeps", "Held", ...(whole ? ["Acquisitions"] : [])];
  const head = h(
    "thead",
    {},
    h("tr", {}, ...titles.map((title, i) => h("th", { scope: "col", class: i > 0 ? "num" : "" }, title))),
  );
  const table = scrolled("Threads of this lock", h("table", {}, head, h("tbody", {}, ...body)));
  return h("div", {}, h("h3", {}, "Its threads"), table, more(app, key, rows.length, THREADS, "threads"));
}

export function lock(app: App): HTMLElement | null {
  const at = chosen(app);
  if (at < 0) return null;
  const of = app.data.locks[at];
  const facts = `${plural(of.acquisitions, "acquisition")}, of which ${count(of.contended)} had to wait, ${time(of.wait)} in all; \
at most ${plural(of.longestQueue, "thread")} waited at once. Waiters slept ${plural(of.parks, "time")} and spun ${plural(of.spins, "time")}. ${
    of.timedHolds === 0
      ? "No hold of it was timed."
      : `It was held for about ${time(of.held)} in all, ${percent(ratio(of.held, app.data.duration))} of the time recorded \
(reckoned from ${plural(of.timedHolds, "timed hold")}), at most ${time(of.maxHold)} at a time.`
  }`;
  return section(
    "lock",
    h("span", {}, "The chosen lock: ", h("span", { class: "what" }, of.title)),
    facts,
    h("h3", {}, "Who blocked whom"),
    blockers(app, at),
    h("div", { class: "pair" }, histogram(of.waits, "waits", "wait"), histogram(of.holds, "holds", "hold")),
    threadTable(app, of),
  );
}
