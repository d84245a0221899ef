// What can be wrong with one page. A run goes on after any of these: the page counts for nothing and is listed.

export type PageErrorCode =
  /** Neither a text log nor a call log stands in the file. */
  | "ERR_PAGE_NOT_A_PAGE"
  /** The page begins but its end is missing. */
  | "ERR_PAGE_TRUNCATED"
  /** Something is missing in the middle: a message's time stands outside any message, or a message has two. */
  | "ERR_PAGE_DAMAGED"
  /** The bytes are not UTF-8. */
  | "ERR_PAGE_ENCODING"
  /** The file is larger than the limit. */
  | "ERR_PAGE_TOO_LARGE"
  /** No bytes, or white space only. */
  | "ERR_PAGE_EMPTY"
  /** A message or call has no time, or one that is no date. */
  | "ERR_PAGE_TIME"
  /** A call log does not say what kind of call it is. */
  | "ERR_PAGE_CALL_KIND"
  /** Elements are nested deeper than on any page of Google's. */
  | "ERR_PAGE_NESTING"
  /** A number, a name, a label or a reference is longer than any real one. */
  | "ERR_PAGE_FIELD_TOO_LONG";

/**
 * A page that can't be read. `message` names the file, says what is wrong with it and what to do; `file` and `code`
 * are there for programs. Nothing of such a page is counted.
 */
export class PageError extends Error {
  readonly code: PageErrorCode;
  readonly file: string;

  constructor(code: PageErrorCode, file: string, problem: string, remedy: string) {
    super(`${quoteFileName(file)}: ${problem}. ${remedy}.`);
    this.name = "PageError";
    this.code = code;
    this.file = file;
  }

  /** The three fields that survive postMessage and stand in the list of files that failed. */
  toJSON(): { file: string; code: PageErrorCode; message: string } {
    return { file: this.file, code: this.code, message: this.message };
  }
}

/** A file name fit for a message: quoted, control characters escaped (a name may hold any), at most 200 characters. */
export function quoteFileName(file: string): string {
  const shown = file.length > 200 ? `${file.slice(0, 199)}…` : file;
  // JSON.stringify leaves DEL, the C1 controls and the bidirectional overrides alone; terminals obey them.
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
