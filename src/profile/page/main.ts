// The page of the profiler: reads the embedded data, draws the sections, and redraws them when the reader chooses
// something or, on the live page, when new data come.

import type { PageData } from "../render/page-data.ts";
import { time } from "../render/units.ts";
import { h } from "./dom.ts";
import { heat } from "./heat.ts";
import { live } from "./live.ts";
import { lock } from "./lock.ts";
import { lockTable } from "./locks.ts";
import { findings, tiles } from "./overview.ts";
import type { App } from "./state.ts";
import { timeline } from "./timeline.ts";

const data = JSON.parse(document.getElementById("data")?.textContent ?? "") as PageData;
const isLive = document.body.hasAttribute("data-live");

const app: App = {
  data,
  state: { lock: "", sort: "wait", ascending: false, filter: "", open: new Set() },
  refresh,
};

const subtitle = h("p", { class: "soft" });
const [top, detail, shards] = [h("div"), h("div"), h("div")];
const list = lockTable(app);
const when = timeline(app);

function draw(into: HTMLElement, ...parts: (HTMLElement | null)[]): void {
  into.replaceChildren(...parts.filter((part) => part !== null));
}

/** Most elements are made anew, so the focus and how far tables are scrolled are carried over. */
function refresh(): void {
  const focused = document.activeElement;
  const key = focused?.getAttribute("data-key");
  const scrolls = new Map(scrollers().map((box) => [box.getAttribute("aria-label"), box.scrollLeft]));
  const { startedAt, duration } = app.data;
  const since = startedAt > 0 ? `, from ${new Date(startedAt).toLocaleString()} on` : "";
  subtitle.textContent = `Contention profile of ${time(duration)}${since}, recorded by holdfast.`;
  draw(top, findings(app), tiles(app));
  list.update();
  draw(detail, lock(app));
  draw(shards, heat(app));
  when.update();
  for (const box of scrollers()) box.scrollLeft = scrolls.get(box.getAttribute("aria-label")) ?? 0;
  if (key === null || key === undefined || focused?.isConnected) return;
  document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

function scrollers(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>(".scroll")];
}

const terms: readonly (readonly [string, string])[] = [
  ["wait", "Time from asking for a lock that was taken until getting it. Acquisitions of a free lock don’t count."],
  [
    "hold",
    "Time from getting a lock until giving it back. All that began with a wait are timed, and a few of the others, which stand for the rest.",
  ],
  ["contended", "Said of an acquisition that found the lock taken."],
  [
    "sampled",
    "Call sites and spans are recorded for some of the waits only, those above a threshold; numbers of the table of locks are of all.",
  ],
  [
    "shard",
    "A part of a table or queue with a lock of its own, so that threads at different parts don’t wait for each other.",
  ],
];

function glossary(): HTMLElement {
  const items = terms.flatMap(([term, meaning]) => [h("dt", {}, term), h("dd", {}, meaning)]);
  return h("details", { class: "glossary" }, h("summary", {}, "What the words mean"), h("dl", {}, ...items));
}

document
  .getElementById("app")
  ?.append(
    h("header", {}, h("h1", {}, "Where threads waited"), subtitle),
    ...(isLive ? [live(app)] : []),
    top,
    list.element,
    detail,
    when.element,
    shards,
    glossary(),
  );
refresh();
