// index.html: the totals of a run, and a table of its conversations that can be searched and sorted.
//
// Invariant: complete without its script: sorted by the latest message, every column there; the script only adds the
// search box and sorting by a click. One file that needs nothing else; the same figures give the same bytes.
import { BASE_STYLE, escapeHtml, formatBytes, formatCount, htmlDocument, plural, relativeUrl } from "./html.ts";
import type { ConversationFigures, TotalStats } from "./stats.ts";

export type ConversationKind = "Person" | "Group" | "Unknown";

/** One line of the index. */
export interface IndexRow {
  readonly id: string;
  readonly kind: ConversationKind;
  /** Bytes of the conversation's page. */
  readonly bytes: number;
  readonly figures: ConversationFigures;
}

const STYLE = `${BASE_STYLE}
header p{margin:.35rem 0 1.5rem;color:var(--soft)}
.totals{display:grid;grid-template-columns:repeat(8,1fr);gap:.6rem;margin:0 0 1.75rem;padding:0}
.totals div{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:.7rem .85rem}
.totals dt{font-size:.8rem;color:var(--soft);white-space:nowrap}
.totals dd{margin:0;font-size:1.35rem;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums}
.tools{display:flex;gap:1rem;align-items:center;margin-bottom:.75rem}
.tools[hidden]{display:none}
input[type=search]{flex:1;max-width:26rem;min-width:0;font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.5rem .85rem}
#found{color:var(--soft);font-size:.9rem;white-space:nowrap}
thead th{position:sticky;top:0;background:var(--card);border-bottom:1px solid var(--line);white-space:nowrap;padding:0 .9rem;height:2.75rem;vertical-align:middle;z-index:1}
thead th:first-child{border-top-left-radius:11px}thead th:last-child{border-top-right-radius:11px}
th button{all:unset;cursor:pointer;display:inline-flex;vertical-align:middle;align-items:center;gap:.3rem}
th button:hover{color:var(--text)}th button:focus-visible{outline:2px solid var(--accent);outline-offset:3px;border-radius:4px}
th button::after{content:"";width:.6em;font-size:.75em}
th[aria-sort]{color:var(--text)}
th[aria-sort=ascending] button::after{content:"\\25B2"}th[aria-sort=descending] button::after{content:"\\25BC"}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}th.n button{flex-direction:row-reverse}
td.z{color:var(--faint)}
td:first-child{font-weight:600;overflow-wrap:anywhere;min-width:12rem}
td:nth-child(2),td:last-child{color:var(--soft);white-space:nowrap}
tbody tr:hover>td{background:var(--tint)}
tr[hidden]{display:none!important}
tbody tr:last-child>td:first-child{border-bottom-left-radius:11px}tbody tr:last-child>td:last-child{border-bottom-right-radius:11px}
@media (max-width:1000px){.totals{grid-template-columns:repeat(4,1fr)}}
.none{padding:2.5rem 1rem;text-align:center;color:var(--soft)}
@media (max-width:760px){
main{padding:1.25rem .75rem 3rem}h1{font-size:1.35rem}
.totals{gap:.4rem;margin-bottom:1.25rem}.totals div{padding:.45rem .6rem;border-radius:10px}.totals dt{font-size:.7rem;letter-spacing:-.01em}.totals dd{font-size:1.05rem}
#found:empty{display:none}
table,thead,tbody{display:block}
thead tr{display:flex;overflow-x:auto;gap:1.1rem;padding:0 .85rem;border-bottom:1px solid var(--line)}
thead th{position:static;border:0;padding:0;display:flex;align-items:center;flex:none}
tbody tr{display:flex;flex-wrap:wrap;gap:.1rem .8rem;padding:.7rem .85rem}
tbody tr+tr{border-top:1px solid var(--line)}tbody tr+tr>td{border:0}
td{padding:0!important;font-size:.85rem;color:var(--soft)}
td:first-child{flex:1 1 100%;font-size:1rem}
td:last-child{flex:1 1 100%;order:2}
td.n::after{content:" " attr(data-u)}td.z{display:none}
tbody tr:hover>td{background:none}
}
@media print{body{background:none}.tools{display:none!important}}
`;

const SCRIPT = `
(() => {
  const table = document.querySelector("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const value = (row, i) => row.cells[i].dataset.v ?? row.cells[i].textContent;
  const heads = [...table.tHead.rows[0].cells];
  const sortBy = (i, down) => {
    const number = heads[i].classList.contains("n");
    const compare = number
      ? (a, b) => value(a, i) - value(b, i)
      : (a, b) => { const x = value(a, i), y = value(b, i); return x < y ? -1 : x > y ? 1 : 0; };
    rows.sort((a, b) => (down ? compare(b, a) : compare(a, b)));
    body.append(...rows);
    heads.forEach((head, j) => j === i
      ? head.setAttribute("aria-sort", down ? "descending" : "ascending")
      : head.removeAttribute("aria-sort"));
  };
  heads.forEach((head, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      sortBy(i, now ? now === "ascending" : i > 1);
    });
  });
  const tools = document.querySelector(".tools");
  const box = tools.querySelector("input");
  const found = document.getElementById("found");
  const texts = new Map(rows.map((row) => [row, row.cells[0].textContent.toLowerCase()]));
  const search = () => {
    const words = box.value.toLowerCase().split(/[\\s_]+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const hit = words.every((word) => texts.get(row).includes(word));
      row.hidden = !hit;
      if (hit) shown++;
    }
    found.textContent = words.length ? shown.toLocaleString("en-US") + " found" : "";
  };
  box.addEventListener("input", search);
  tools.hidden = false;
  search();
})();
`;

const COLUMNS = [
  "Conversation",
  "Type",
  "Size",
  "SMS",
  "Calls",
  "Voicemails",
  "Attachments",
  "Latest message",
] as const;

const TOTALS: readonly (readonly [label: string, key: keyof TotalStats])[] = [
  ["SMS", "num_sms"],
  ["Calls", "num_calls"],
  ["Voicemails", "num_voicemails"],
  ["Attachments", "real_attachments"],
  ["Images", "num_img"],
  ["Videos", "num_video"],
  ["Audio", "num_audio"],
  ["Contacts", "num_vcf"],
];

const tile = (label: string, count: number): string => `<div><dt>${label}</dt><dd>${formatCount(count)}</dd></div>`;

function headCell(label: string, column: number): string {
  const numeric = column >= 2 && column <= 6 ? ' class="n"' : "";
  const sorted = column === COLUMNS.length - 1 ? ' aria-sort="descending"' : "";
  return `<th scope="col"${numeric}${sorted}>${label}</th>`;
}

const countCell = (count: number, one: string): string =>
  `<td class="n${count === 0 ? " z" : ""}" data-v="${count}" data-u="${count === 1 ? one : `${one}s`}">${formatCount(count)}</td>`;

function indexLine({ id, kind, bytes, figures }: IndexRow): string {
  const cells = [
    `<td><a href="${escapeHtml(relativeUrl(`${id}.html`))}"><bdi>${escapeHtml(id)}</bdi></a></td>`,
    `<td>${kind}</td>`,
    `<td class="n" data-v="${bytes}">${formatBytes(bytes)}</td>`,
    countCell(figures.smsCount, "message"),
    countCell(figures.callsCount, "call"),
    countCell(figures.voicemailsCount, "voicemail"),
    countCell(figures.attachmentsCount, "attachment"),
    `<td data-v="${String(figures.latestTimestamp).padStart(16, "0")}"><time>${escapeHtml(figures.latestMessageTime)}</time></td>`,
  ];
  return `<tr>${cells.join("")}</tr>`;
}

/** Latest first; of one time by id, so that the order is one. */
function byLatest(a: IndexRow, b: IndexRow): number {
  return b.figures.latestTimestamp - a.figures.latestTimestamp || (a.id < b.id ? -1 : 1);
}

/** Renders index.html over the conversations of a run and the sums of their figures. */
export function renderIndexPage(rows: readonly IndexRow[], totals: TotalStats): string {
  const messages = rows.reduce((sum, row) => sum + row.figures.total, 0);
  const tiles = TOTALS.map(([label, key]) => tile(label, totals[key]));
  const lines = [...rows].sort(byLatest).map(indexLine);
  const empty = lines.length === 0 ? '<p class="none">There are no conversations.</p>\n' : "";
  return htmlDocument(
    "Conversations",
    `<style>${STYLE}</style>`,
    `<main>
<header><h1>Conversations</h1><p>${plural(rows.length, "conversation")} &middot; ${plural(messages, "message and call", "messages and calls")}</p></header>
<dl class="totals">
${tiles.join("\n")}
</dl>
<div class="tools" hidden><input type="search" placeholder="Search conversations" aria-label="Search conversations"><output id="found"></output></div>
<table>
<thead><tr>${COLUMNS.map(headCell).join("")}</tr></thead>
<tbody>
${lines.join("\n")}
</tbody>
</table>
${empty}</main>
<script>${SCRIPT}</script>`,
  );
}
