// White space of a page's text. Google breaks lines inside text (and a formatter indents), which means nothing, while
// `<br>` means a line break. So, as in a browser, a run of white space that holds a line feed is one blank, and none
// beside a `<br>`. Unlike a browser, blanks that a person typed twice stay two.
//
// Invariant of the pieces: "\n" is a `<br>` and nothing else; raw line feeds are "\r". Every step is linear in the
// text's length: an expression like /\s*\n/ is not, and a page may hold a run of ten million blanks.

/** Text of one element, gathered piece by piece as the parser hands it out. */
export class TextPieces {
  readonly #pieces: string[] = [];

  add(text: string): void {
    this.#pieces.push(RAW_FEED.test(text) ? text.replace(RAW_FEEDS, "\r") : text);
  }

  addBreak(): void {
    this.#pieces.push("\n");
  }

  /** The text, trimmed, with "\n" for each `<br>`. */
  lines(): string {
    const text = this.#pieces.length === 1 ? this.#pieces[0] : this.#pieces.join("");
    return (text.includes("\r") ? text.split("\n").map(fold).join("\n") : text).trim();
  }

  /** The text on one line, trimmed: for names and labels. */
  line(): string {
    return this.lines().replace(/\n+/g, " ");
  }
}

const RAW_FEED = /[\r\n\f]/;
const RAW_FEEDS = /[\r\n\f]+/g;

/** What stands between two `<br>`: folded runs become one blank, those at its ends none. */
function fold(line: string): string {
  const parts = line.split("\r");
  if (parts.length === 1) return line;
  const last = parts.length - 1;
  const kept: string[] = [];
  for (const [i, part] of parts.entries()) {
    const trimmed = trimBlanks(part, i > 0, i < last);
    if (trimmed !== "") kept.push(trimmed);
  }
  return kept.join(" ");
}

function trimBlanks(part: string, atStart: boolean, atEnd: boolean): string {
  let start = 0;
  let end = part.length;
  if (atStart) while (start < end && isBlank(part.charCodeAt(start))) start++;
  if (atEnd) while (end > start && isBlank(part.charCodeAt(end - 1))) end--;
  return part.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
