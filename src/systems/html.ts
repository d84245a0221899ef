// Small pieces of the pages: escaping, numbers and times. All of it independent of locale, time zone and clock: the
// same data gives the same bytes everywhere.

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as it may stand in an element or in a quoted attribute. What HTML can't hold at all becomes U+FFFD. */
export function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\x20-\x7E\xA0-\u{10FFFF}]|\p{Noncharacter_Code_Point}/gu, "\uFFFD")
    .replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** A relative path as the value of href or src: each part percent-encoded, so that no name is read as a scheme. */
export function relativeUrl(path: string): string {
  return path.toWellFormed().split("/").map(encodeURIComponent).join("/");
}

/** 1234567 → "1,234,567". */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 message", "2,000 messages". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Bytes with a unit of 1024: 512 → "512 B", 1536 → "1.5 KB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KB", "MB", "GB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** 90 → "1 min 30 s". */
export function formatDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const parts = [hours > 0 ? `${hours} h` : "", minutes > 0 ? `${minutes} min` : ""].filter((part) => part !== "");
  const rest = seconds % 60;
  if (rest > 0 || parts.length === 0) parts.push(`${rest} s`);
  return parts.join(" ");
}

/**
 * A message's time as a person reads it, in the offset that the page itself gives: "2024-05-22 21:48:32". Where the
 * page's spelling is none of ISO 8601, the time in UTC.
 */
export function formatTime({ time, timestamp }: { readonly time: string; readonly timestamp: number }): string {
  const parts = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})/.exec(time);
  if (parts !== null) return `${parts[1]} ${parts[2]}`;
  return new Date(timestamp).toISOString().slice(0, 19).replace("T", " ");
}

/** The look that all pages share: colours for light and dark, type, spacing. */
export const BASE_STYLE = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#1c2330;--soft:#5b6575;--faint:#a3abb8;--line:#e3e7ed;--accent:#0b63ce;--tint:#eaf2fd}
@media (prefers-color-scheme:dark){:root{--bg:#12151b;--card:#1a1f27;--text:#e6e9ef;--soft:#9aa5b5;--faint:#566070;--line:#2b323d;--accent:#74b0ff;--tint:#1d2a3c}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:72rem;margin:0 auto;padding:2rem 1.25rem 4rem}
a{color:var(--accent);text-decoration:none}a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
h1{font-size:1.6rem;line-height:1.25;margin:0;overflow-wrap:anywhere}
table{width:100%;border-collapse:separate;border-spacing:0;background:var(--card);border:1px solid var(--line);border-radius:12px}
th{font-size:.8rem;font-weight:600;color:var(--soft);text-align:left}
th,td{padding:.6rem .9rem;vertical-align:top}
tbody tr+tr>td{border-top:1px solid var(--line)}
time{font-variant-numeric:tabular-nums;white-space:nowrap}
`;

/** What every page says it was made by. */
export const GENERATOR = "holdfast/systems";

/** A whole HTML5 document. `head` and `body` are HTML already; the title is text. */
export function htmlDocument(title: string, head: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="${GENERATOR}">
<title>${escapeHtml(title)}</title>
${head}
</head>
<body>
${body}
</body>
</html>
`;
}
