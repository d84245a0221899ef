// Names of a generated Takeout's pages: as Google's, unique even where case does not count, and never longer than a file
// system takes (255 bytes, with an attachment's suffix).

/** A page that has a name and a first moment but no content yet. */
export interface Draft {
  /** The file's name without extension; attachments' names begin with it. */
  readonly base: string;
  readonly start: number;
}

/** In code points of up to four bytes. Google cuts names off in file names, too; the pages have them whole. */
const NAME_IN_FILE = 50;
const NOT_IN_FILE_NAMES = /[<>:"/\\|?*]/g;

export class FileNames {
  readonly #used = new Set<string>();

  /** The first free name at or after a time (milliseconds); without an action for groups and where Google has none. */
  draft(name: string, action: string | undefined, from: number): Draft {
    const safe = [...name.replace(NOT_IN_FILE_NAMES, "_")].slice(0, NAME_IN_FILE).join("").trimEnd();
    // An unknown caller's file begins with "- ", that of a voicemail with " - ".
    const blank = safe === "" && action !== "Voicemail" ? "" : " ";
    for (let start = from; ; start += 1000) {
      const stamp = new Date(start).toISOString().slice(0, 19).replaceAll(":", "_");
      const base = `${safe}${blank}-${action === undefined ? "" : ` ${action} -`} ${stamp}Z`;
      const key = base.toLowerCase();
      if (this.#used.has(key)) continue;
      this.#used.add(key);
      return { base, start };
    }
  }
}
