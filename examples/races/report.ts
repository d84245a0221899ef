// What is printed: a line of the table for each hazard, a story in full with a column for each thread, and the JSON.
import { holds, type Result, type Tally } from "./run.ts";
import type { Story } from "./story.ts";

const percent = ({ runs, failures }: Tally): string => `${failures}/${runs}`.padStart(9);

export const tableHead = `${"".padEnd(5)}${"kind".padEnd(14)}${"unsafe".padStart(9)}${"safe".padStart(9)}     failed/runs`;

export function tableLine(result: Result): string {
  const { story, unsafe, safe } = result;
  const bad = holds(result) ? "" : "   <- NOT AS IT SHOULD BE";
  return `${story.id.padEnd(5)}${story.kind.padEnd(14)}${percent(unsafe)}${percent(safe)}  ${story.title}${bad}`;
}

/** The interleaving, time downwards. */
export function columns({ threads, script }: Story): string {
  const steps = script.map((entry) => /^(\d): (.*)$/.exec(entry) ?? ["", "0", entry]);
  const widths = threads.map((name, thread) =>
    Math.max(name.length, ...steps.map(([, by, what]) => (Number(by) === thread ? what.length : 0))),
  );
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")}`.trimEnd();
  const rule = `  ${widths.map((width) => "-".repeat(width)).join("-+-")}`;
  const rows = steps.map(([, by, what]) => line(threads.map((_, thread) => (Number(by) === thread ? what : ""))));
  return [line(threads), rule, ...rows].join("\n");
}

function wrap(label: string, text: string): string {
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(" ")) {
    if (current.length + word.length > 88) {
      lines.push(current);
      current = "";
    }
    current += current === "" ? word : ` ${word}`;
  }
  return [...lines, current].map((line, i) => `  ${(i === 0 ? label : "").padEnd(16)}${line}`).join("\n");
}

export function fullStory({ story, unsafe, safe }: Result): string {
  const outcome = ({ runs, failures, symptom }: Tally): string =>
    `failed in ${failures} of ${runs} runs (${((failures / runs) * 100).toFixed(0)} %)${symptom === undefined ? "" : `: ${symptom}`}`;
  return [
    `${story.id}  ${story.title}  (${story.kind})`,
    "",
    columns(story),
    "",
    wrap("document claims", story.claim),
    wrap("what is so", story.fact),
    wrap("safe variant", story.fix),
    "",
    wrap("unsafe", outcome(unsafe)),
    wrap("safe", outcome(safe)),
    "",
  ].join("\n");
}

export function toJson(results: readonly Result[]): string {
  const counts = ({ runs, failures }: Tally) => ({ runs, failures });
  const entries = results.map(({ story: { id, title, kind }, unsafe, safe }) => [
    id,
    { title, kind, unsafe: counts(unsafe), safe: counts(safe) },
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}
