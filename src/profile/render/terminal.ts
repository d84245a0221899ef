// The profile for a terminal: what it says in words, a table of locks by total wait, and who blocked whom.
//
// Invariant: no line is wider than asked, whatever the names, and no name can steer the terminal.

import type { LockProfile, Profile } from "../types.ts";
import { type Finding, findingsOf, groupSites, meanHold, placeOf, ratio, sitesOf, titleOf } from "./summary.ts";
import { percent, plural, shortCount, time } from "./units.ts";

/** How {@link terminalTable} looks. */
export interface TerminalOptions {
  /** ANSI colours; default none. */
  readonly colour?: boolean | undefined;
  /** Columns of the terminal; default 80, at least 60. */
  readonly width?: number | undefined;
  /** Locks listed; default 20. */
  readonly rows?: number | undefined;
}

const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u;
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Columns of one grapheme. */
const columnsOf = (grapheme: string): number => (WIDE.test(grapheme) ? 2 : 1);
const split = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);
const widthOf = (text: string): number => split(text).reduce((sum, grapheme) => sum + columnsOf(grapheme), 0);

/** The text in exactly so many columns: filled up, or cut in the middle, where names differ least. */
function fit(text: string, width: number, side: "left" | "right" = "left"): string {
  const spare = width - widthOf(text);
  if (spare >= 0) return side === "left" ? text + " ".repeat(spare) : " ".repeat(spare) + text;
  const parts = split(text);
  const head: string[] = [];
  const tail: string[] = [];
  let room = width - 1;
  for (let i = 0; i < parts.length; i++) {
    const fromEnd = i % 2 === 0;
    const next = fromEnd ? parts[parts.length - 1 - tail.length] : parts[head.length];
    if (columnsOf(next) > room) break;
    room -= columnsOf(next);
    if (fromEnd) tail.unshift(next);
    else head.push(next);
  }
  return `${head.join("")}…${tail.join("")}${" ".repeat(room)}`;
}

/** Lines of at most so many columns, broken at spaces; words that are too long are cut. */
function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    const room = width - indent.length;
    const short = widthOf(word) > room ? fit(word, room) : word;
    if (line !== "" && widthOf(line) + 1 + widthOf(short) > room) {
      lines.push(indent + line);
      line = "";
    }
    line += line === "" ? short : ` ${short}`;
  }
  return [...lines, indent + line];
}

type Paint = (style: keyof typeof STYLES, text: string) => string;
const STYLES = { bold: 1, dim: 2, red: 31, yellow: 33 } as const;
const painter =
  (colour: boolean): Paint =>
  (style, text) =>
    colour ? `\u001B[${STYLES[style]}m${text}\u001B[0m` : text;

const COLUMNS: readonly [string, number, (lock: LockProfile, all: number) => string][] = [
  ["waited", 9, ({ total }) => time(total.wait)],
  ["share", 7, ({ total }, all) => percent(ratio(total.wait, all))],
  ["waits", 7, ({ total }) => shortCount(total.contended)],
  ["of takes", 10, ({ total }) => percent(ratio(total.contended, total.acquisitions))],
  ["avg wait", 9, ({ total }) => time(ratio(total.wait, total.contended))],
  ["max wait", 9, ({ total }) => time(total.maxWait)],
  ["avg hold", 9, ({ total }) => time(meanHold(total))],
];
const NAME_AT_LEAST = 12;

/** Narrow terminals leave out columns from the least telling on. */
function columnsFor(width: number): typeof COLUMNS {
  const dropFirst = ["of takes", "waits", "avg hold", "share"];
  let columns = [...COLUMNS];
  for (const title of dropFirst) {
    if (columns.reduce((sum, [, wide]) => sum + wide, NAME_AT_LEAST) <= width) break;
    columns = columns.filter(([name]) => name !== title);
  }
  return columns;
}

function table({ locks }: Profile, width: number, rows: number, paint: Paint): string[] {
  const all = locks.reduce((sum, { total }) => sum + total.wait, 0);
  const columns = columnsFor(width);
  const name = width - columns.reduce((sum, [, wide]) => sum + wide, 0);
  const head = fit("lock", name) + columns.map(([title, wide]) => fit(title, wide, "right")).join("");
  const lines = locks.slice(0, rows).map((lock, index) => {
    const cells = columns.map(([, wide, text]) => fit(text(lock, all), wide, "right")).join("");
    const title = fit(titleOf(lock), name);
    if (lock.total.wait === 0) return paint("dim", title + cells);
    return index === 0 ? paint("bold", title + cells) : title + cells;
  });
  const rest = locks.slice(rows);
  if (rest.length > 0) {
    const waited = rest.reduce((sum, { total }) => sum + total.wait, 0);
    lines.push(paint("dim", `… and ${plural(rest.length, "more lock")}, waited for ${time(waited)} in all`));
  }
  return [paint("dim", head), ...lines];
}

/** The places that blocked others longest, for the locks that were waited for longest. */
function blockers(profile: Profile, width: number, paint: Paint): string[] {
  return profile.locks.slice(0, 3).flatMap((lock) => {
    const sites = sitesOf(profile, lock.id);
    const all = sites.reduce((sum, site) => sum + site.wait, 0);
    if (all === 0) return [];
    const lines = ["", paint("bold", fit(`Who blocked whom at ${titleOf(lock)}`, width).trimEnd())];
    for (const { stack, wait, sites: behind } of groupSites(sites, "holder").slice(0, 3)) {
      const share = `${percent(wait / all)} (${time(wait)})`;
      lines.push(fit(`  ${share} behind ${placeOf(stack)}`, width).trimEnd());
      const waiters = groupSites(behind, "waiter");
      for (const waiter of waiters.slice(0, 3)) {
        lines.push(fit(`      ${time(waiter.wait)} waited in ${placeOf(waiter.stack)}`, width).trimEnd());
      }
      if (waiters.length > 3) lines.push(paint("dim", `      … and in ${plural(waiters.length - 3, "more place")}`));
    }
    return lines;
  });
}

function spoken({ level, text }: Finding, width: number, paint: Paint): string[] {
  const lines = wrap(text, width, level === "note" ? "  " : "");
  if (level === "bad") return lines.map((line) => paint("red", line));
  return level === "note" ? lines.map((line) => paint("dim", line)) : lines;
}

/** The profile as text for a terminal, ending in a line break: sentences, locks by total wait, who blocked whom. */
export function terminalTable(
  profile: Profile,
  { colour = false, width = 80, rows = 20 }: TerminalOptions = {},
): string {
  const wide = Math.max(60, Math.floor(width));
  const paint = painter(colour);
  const findings = findingsOf(profile);
  const said = (level: "note" | "rest"): string[] =>
    findings
      .filter((finding) => (finding.level === "note") === (level === "note"))
      .flatMap((finding) => spoken(finding, wide, paint));
  const notes = said("note");
  const lines = [
    ...said("rest"),
    ...(profile.locks.length > 0 ? ["", ...table(profile, wide, rows, paint)] : []),
    ...blockers(profile, wide, paint),
    ...(notes.length > 0 ? ["", ...notes] : []),
  ];
  return `${lines.join("\n")}\n`;
}
