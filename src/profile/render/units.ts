// Numbers as people read them: three significant digits and a unit. Independent of locale and clock; used by the
// terminal table and, bundled, by the page.

/** 1234567 → "1,234,567". */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 wait", "2,000 waits". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${Math.round(value) === 1 ? one : many}`;
}

function threeDigits(value: number): string {
  return value >= 99.95 ? String(Math.round(value)) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

/** 12345 → "12.3k": at most six characters below 10^15. */
export function shortCount(value: number): string {
  const units = ["", "k", "M", "G", "T"];
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  return unit === 0 ? String(Math.round(rest)) : `${threeDigits(rest)}${units[unit]}`;
}

/** Nanoseconds with a unit: 1234 → "1.23 µs", 3.2e9 → "3.20 s", 5.4e12 → "90.0 min". */
export function time(ns: number): string {
  if (ns <= 0) return "0";
  if (ns < 999.5) return `${ns < 1 ? "< 1" : Math.round(ns)} ns`;
  if (ns < 999.5e3) return `${threeDigits(ns / 1e3)} µs`;
  if (ns < 999.5e6) return `${threeDigits(ns / 1e6)} ms`;
  if (ns < 600e9) return `${threeDigits(ns / 1e9)} s`;
  if (ns < 36e12) return `${threeDigits(ns / 60e9)} min`;
  return `${threeDigits(ns / 3600e9)} h`;
}

/** The same, without zeros behind the point: for the marks of an axis. */
export function roundTime(ns: number): string {
  return time(ns)
    .replace(/\.0+ /, " ")
    .replace(/(\.\d+?)0+ /, "$1 ");
}

/** 0.925 → "93 %", 0.004 → "< 1 %". A part that is not all is never "100 %". */
export function percent(part: number): string {
  if (!(part > 0)) return "0 %";
  if (part < 0.01) return "< 1 %";
  return part < 1 ? `${Math.min(99, Math.round(part * 100))} %` : `${Math.round(part * 100)} %`;
}

/** "/srv/app/src/worker.js" → "src/worker.js": the last two parts of a path or URL. */
export function shortPath(file: string): string {
  const parts = file.replace(/^file:\/\//, "").split(/[\\/]/);
  const kept = parts.filter((part) => part !== "").slice(-2);
  return kept.length === 0 ? file : kept.join("/");
}

/** What can't be printed, or would steer a terminal, as U+FFFD. */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF]/gu, "\uFFFD");
}
