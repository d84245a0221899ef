// The live page: new data by Server-Sent Events, the state of the connection, and who waits for whom now.

import type { PageData } from "../render/page-data.ts";
import { plural } from "../render/units.ts";
import type { WaitNow } from "../wait-graph.ts";
import { h } from "./dom.ts";
import type { App } from "./state.ts";

/** The threads that wait for each other in a circle. */
function inCircles(waits: readonly WaitNow[]): Set<number> {
  const by = new Map<number, number[]>();
  for (const { thread, heldBy } of waits)
    by.set(thread, [...(by.get(thread) ?? []), ...heldBy.map((holder) => holder.thread)]);
  const circular = new Set<number>();
  for (const start of by.keys()) {
    const open = [...(by.get(start) ?? [])];
    const seen = new Set(open);
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at === start) circular.add(start);
      for (const next of by.get(at) ?? []) {
        if (!seen.has(next)) open.push(next);
        seen.add(next);
      }
    }
  }
  return circular;
}

function graph(waits: readonly WaitNow[]): HTMLElement {
  if (waits.length === 0) return h("p", {}, "No thread waits for a lock that another thread holds.");
  const circular = inCircles(waits);
  const items = waits.map(({ thread, name, lock, wants, heldBy }) => {
    const holders = heldBy.map((holder) => holder.name).join(", ") || "nobody known";
    const circle = circular.has(thread) && h("span", { class: "badge" }, "in a circle");
    return h("li", {}, h("b", {}, name), ` waits for ${lock} (${wants}), held by `, h("b", {}, holders), " ", circle);
  });
  const said = `${plural(waits.length, "thread")} ${waits.length === 1 ? "waits" : "wait"}.`;
  const bad =
    circular.size > 0 &&
    h(
      "b",
      {},
      ` ${plural(circular.size, "thread")} wait for each other in a circle: a deadlock, if they still do when you look again.`,
    );
  return h("div", {}, h("p", {}, said, bad), h("ul", { class: "waits" }, ...items));
}

/** The bar of the live page; starts to listen. */
export function live(app: App): HTMLElement {
  const status = h("span", { role: "status" }, "Connecting …");
  const answer = h("div", { id: "graph", "aria-live": "polite" });
  let paused = false;
  let latest: PageData | undefined;
  const say = (text: string, good: boolean): void => {
    status.textContent = text;
    status.className = good ? "on" : "off";
  };
  const show = (data: PageData): void => {
    app.data = data;
    app.refresh();
  };
  const events = new EventSource("events");
  events.addEventListener("profile", (event) => {
    latest = JSON.parse((event as MessageEvent<string>).data) as PageData;
    if (paused) return;
    say(`Live, last updated at ${new Date().toLocaleTimeString()}`, true);
    show(latest);
  });
  events.addEventListener("trouble", (event) => say(String(JSON.parse((event as MessageEvent<string>).data)), false));
  events.addEventListener("end", () => {
    events.close();
    say("The program has ended; this is the last state.", false);
  });
  events.addEventListener("error", () => say("No connection to the program; trying again …", false));
  const pause = h(
    "button",
    {
      click: () => {
        paused = !paused;
        pause.textContent = paused ? "Go on" : "Pause";
        if (paused) say("Paused", false);
        else if (latest !== undefined) show(latest);
      },
    },
    "Pause",
  );
  const ask = async (): Promise<void> => {
    try {
      const response = await fetch("waits");
      if (!response.ok) throw new Error(await response.text());
      answer.replaceChildren(graph((await response.json()) as WaitNow[]));
    } catch (error) {
      answer.replaceChildren(h("p", {}, `The waits could not be read: ${(error as Error).message}`));
    }
  };
  const button = h("button", { click: () => void ask() }, "Who waits for whom now?");
  return h("div", { class: "live" }, h("div", { class: "controls" }, status, pause, button), answer);
}
