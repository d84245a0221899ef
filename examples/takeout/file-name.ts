// Names of the files in a Takeout's Calls folder:
//
//   <name or number> - <action> - <stamp>[ (n)].html       a page
//   Group Conversation - <stamp>[ (n)].html                a group's page
//   <number> - <stamp>.html                                a page whose action is missing
//   - <action> - <stamp>.html                              an unknown caller: the name is empty, the first blank may be too
//   <base of a page>-<message>-<attachment>[(n)].<ext>     an attachment, both counted from 1
//
// The stamp is UTC. Names may hold " - ", so the action and the stamp are taken from the end.

export type PageAction = "Text" | "Missed" | "Received" | "Placed" | "Voicemail" | "Recorded";

/** What a file name says. A name of another form has `name` alone: the whole name without its extension. */
export interface TakeoutFileName {
  /** The contact's name or number as far as Google put it there; "" for an unknown caller. */
  readonly name: string;
  /** undefined for groups and where Google left it out. */
  readonly action: PageAction | undefined;
  readonly group: boolean;
  /** Milliseconds since 1970-01-01T00:00:00Z; undefined where there is no stamp or it is no date. */
  readonly timestamp: number | undefined;
  /** The n of a trailing " (n)", which tells files of one name apart; 0 for none. */
  readonly duplicate: number;
  /** Lower-cased, without its dot; "" for none. */
  readonly extension: string;
  /** The name without extension and " (n)": what attachments' names begin with. */
  readonly base: string;
  /** Of attachments only: the message and the attachment within it, both counted from 1. */
  readonly attachment: { readonly message: number; readonly index: number } | undefined;
}

const EXTENSION = /\.([A-Za-z0-9]{1,8})$/;
const STAMPED = /(?:^|[ ])-[ ](\d{4}-\d\d-\d\dT\d\d_\d\d_\d\dZ)(?:-(\d{1,6})-(\d{1,6}))?(?:[ ]?\((\d{1,6})\))?$/;
const ACTION = /(?:^|[ ])-[ ](Text|Missed|Received|Placed|Voicemail|Recorded)$/;
const GROUP = "Group Conversation";

/** Reads a file's name (its last path component). Never throws. */
export function parseFileName(fileName: string): TakeoutFileName {
  const leaf = fileName.slice(fileName.lastIndexOf("/") + 1);
  const extension = EXTENSION.exec(leaf);
  const stem = extension === null ? leaf : leaf.slice(0, extension.index);
  const stamped = STAMPED.exec(stem);
  const plain = { action: undefined, group: false, timestamp: undefined, duplicate: 0, attachment: undefined };
  const suffix = extension === null ? "" : extension[1].toLowerCase();
  if (stamped === null) return { ...plain, name: stem, base: stem, extension: suffix };

  const [whole, stamp, message, index, duplicate] = stamped;
  const front = stem.slice(0, stamped.index);
  const action = ACTION.exec(front);
  const name = action === null ? front : front.slice(0, action.index);
  const end = stamped.index + whole.indexOf(stamp) + stamp.length;
  return {
    name,
    action: action === null ? undefined : (action[1] as PageAction),
    group: action === null && name === GROUP,
    timestamp: timestampOf(stamp),
    duplicate: duplicate === undefined ? 0 : Number(duplicate),
    extension: suffix,
    base: stem.slice(0, end),
    attachment: message === undefined ? undefined : { message: Number(message), index: Number(index) },
  };
}

/** Whether a file of the Calls folder is a page (and not media beside one). */
export function isPageName(fileName: string): boolean {
  return /\.html?$/i.test(fileName);
}

/** Order of file names by UTF-16 code units: the same on every machine, whatever its locale. */
export function compareFileNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function timestampOf(stamp: string): number | undefined {
  const iso = stamp.replaceAll("_", ":");
  const time = Date.parse(iso);
  // Date.parse takes February 30th for March 2nd; only a date that reads back the same is one.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 19) !== iso.slice(0, 19)) return undefined;
  return time;
}
