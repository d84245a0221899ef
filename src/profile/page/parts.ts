// Pieces that several sections use: bars, the button for the rest of a list, stacks.

import type { PageFrame } from "../render/page-data.ts";
import { count } from "../render/units.ts";
import { h } from "./dom.ts";
import { type App, toggle } from "./state.ts";

/** A cell with a number and a bar behind it. */
export function barCell(text: string, part: number): HTMLTableCellElement {
  const bar = h("span", { class: "bar", style: `width:${(100 * Math.min(1, part)).toFixed(1)}%` });
  return h("td", { class: "num barred" }, bar, h("span", {}, text));
}

export function num(text: string): HTMLTableCellElement {
  return h("td", { class: "num" }, text);
}

/** "Show all 1,000 locks", or back; nothing if all are shown anyway. */
export function more(app: App, key: string, length: number, most: number, what: string): HTMLElement | null {
  if (length <= most) return null;
  const open = app.state.open.has(key);
  const text = open ? `Show only the first ${most}` : `Show all ${count(length)} ${what}`;
  const click = (): void => {
    toggle(app, key);
    app.refresh();
  };
  return h("button", { class: "more", "data-key": `more-${key}`, "aria-expanded": String(open), click }, text);
}

/** The innermost function, and the whole stack behind it. */
export function stack(app: App, key: string, frames: readonly PageFrame[], unknown: string): HTMLElement {
  const top = frames[0];
  if (top === undefined) return h("span", { class: "soft" }, unknown);
  const title = [h("b", {}, top.name), " ", h("code", { title: top.file }, top.at)];
  if (frames.length === 1) return h("span", {}, ...title);
  const lines = frames.map(({ name, at, file }) => h("li", {}, name, " ", h("code", { title: file }, at)));
  const flip = (event: Event): void => {
    const { open } = event.target as HTMLDetailsElement;
    if (open !== app.state.open.has(key)) toggle(app, key);
  };
  return h(
    "details",
    { open: app.state.open.has(key), toggle: flip },
    h("summary", { "data-key": key }, ...title),
    h("ol", { class: "stack" }, ...lines),
  );
}
