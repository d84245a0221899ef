// The shards of each table, as a field of colours: one hot shard means that keys crowd in it.

import type { PageTable } from "../render/page-data.ts";
import { percent, plural, time } from "../render/units.ts";
import { h, section } from "./dom.ts";
import { more } from "./parts.ts";
import { type App, choose } from "./state.ts";

const MOST = 512;
/** Waits below which their spread is chance. */
const FEW = 50;

function verdict({ shards }: PageTable): string {
  const waits = shards.map(([, , wait]) => wait);
  const all = waits.reduce((sum, wait) => sum + wait, 0);
  if (all === 0) return "No thread waited for a shard.";
  const hottest = waits.indexOf(Math.max(...waits));
  const share = waits[hottest] / all;
  const said = `${time(all)} were waited in all, ${percent(share)} of it for shard ${hottest}`;
  const waited = shards.reduce((sum, [, contended]) => sum + contended, 0);
  if (waited < FEW) return `${said}: too few waits to say more.`;
  if (shards.length > 1 && share > 3 / shards.length && share > 0.2) {
    return `${said}: the work crowds in few keys, more shards would not help.`;
  }
  return `${said}: the waits are spread evenly${shards.length > 1 ? "; more shards would make them fewer" : ""}.`;
}

function field(app: App, table: PageTable, key: string): HTMLElement {
  const most = Math.max(1, ...table.shards.map(([, , wait]) => wait));
  const shown = app.state.open.has(key) ? table.shards : table.shards.slice(0, MOST);
  const cells = shown.map(([lock, contended, wait], index) => {
    const label = `Shard ${index}: waited ${time(wait)} in ${plural(contended, "wait")}`;
    const heat = wait === 0 ? 0 : Math.round(12 + 88 * (wait / most));
    const of = app.data.locks[lock];
    const click = (): void => {
      if (of !== undefined) choose(app, of.id);
    };
    return h(
      "button",
      {
        class: "cell",
        style: `--heat:${heat}%`,
        title: label,
        "aria-label": label,
        "data-key": `${key}-${index}`,
        click,
      },
      String(index),
    );
  });
  return h("div", { class: "heat" }, ...cells);
}

export function heat(app: App): HTMLElement | null {
  const { tables } = app.data;
  if (tables.length === 0) return null;
  const shown = app.state.open.has("tables") ? tables : tables.slice(0, 12);
  const parts = shown.map((table, index) => {
    const key = `heat-${index}`;
    const shards = table.shards.length;
    return h(
      "div",
      { class: "table" },
      h("h3", {}, table.title),
      h("p", {}, `${plural(shards, "shard")}; ${table.facts} `, h("b", {}, verdict(table))),
      field(app, table, key),
      more(app, key, shards, MOST, "shards"),
    );
  });
  const how =
    "Each square is a shard with a lock of its own, the stronger in colour, the longer threads waited for it.";
  return section(
    "heat",
    "Tables and queues, shard by shard",
    how,
    ...parts,
    more(app, "tables", tables.length, 12, "tables"),
  );
}
