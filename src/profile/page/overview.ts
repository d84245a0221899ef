// The top of the page: what to look at first, in words, and four numbers.

import { ratio } from "../render/summary.ts";
import { count, percent, plural, time } from "../render/units.ts";
import { h } from "./dom.ts";
import { type App, choose } from "./state.ts";

const MARKS = { bad: "Trouble", look: "Look here", good: "Fine", note: "Note" } as const;

export function findings(app: App): HTMLElement {
  const items = app.data.findings.map(({ level, text, lock }, index) => {
    const first = index === 0 || level !== app.data.findings[index - 1].level;
    const mark = h("span", { class: "mark" }, first ? MARKS[level] : "");
    const click = (): void => {
      choose(app, lock ?? "");
      document.getElementById("lock")?.scrollIntoView();
    };
    const show = lock !== undefined && level === "bad" && h("button", { class: "link", click }, "Show this lock");
    return h("li", { class: level }, mark, h("span", {}, text, " ", show));
  });
  return h("ul", { class: "findings" }, ...items);
}

export function tiles({ data }: App): HTMLElement {
  const { wait, blocked, contended, acquisitions, maxWait } = data.totals;
  const tile = (value: string, what: string, more: string): HTMLElement =>
    h("div", { class: "tile" }, h("dt", {}, what), h("dd", {}, value), h("dd", { class: "soft" }, more));
  return h(
    "dl",
    { class: "tiles" },
    tile(
      time(wait),
      "waited, all threads together",
      `in ${time(data.duration)} of ${plural(data.threads.length, "thread")}`,
    ),
    tile(percent(blocked), "of the threads’ time spent waiting", "100 %: all of them, all the time"),
    tile(
      percent(ratio(contended, acquisitions)),
      "of the acquisitions had to wait",
      `${count(contended)} of ${count(acquisitions)}`,
    ),
    tile(time(maxWait), "was the longest wait", `over ${plural(data.locks.length, "lock")}`),
  );
}
