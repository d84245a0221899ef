// From the reference on a page to the file beside it, and from there to a path that the output's pages can link to:
// the file where it lies, or a copy in the output folder.

import { join, relative, sep } from "node:path";
import { FileError } from "../../src/cells/errors.ts";
import { copyFileAtomicSync } from "../../src/systems/atomic-write-files.ts";
import type { Attachment, Message } from "../../src/systems/page.ts";
import type { NameList } from "./name-list.ts";
import type { FailedPage } from "./scan-page.ts";

/** The folder of copies, in the output folder. */
export const COPIES = "attachments";

/** From the name of a file beside the pages to its path relative to the output folder, with `/` between folders. */
export type Place = (name: string) => string;

/** The file where it lies. */
export function linkedPlace(calls: string, out: string): Place {
  const folder = relative(out, calls).split(sep).join("/");
  return (name) => (folder === "" ? name : `${folder}/${name}`);
}

/** The file's copy. */
export const copiedPlace: Place = (name) => `${COPIES}/${name}`;

/**
 * Copies each file that is asked for, and gives the copy's place; the file's own where it can't be read, which `failed`
 * is told once. Two threads may copy one file: each writes a temporary of its own, and either result is the same.
 */
export function copyingPlace(calls: string, out: string, failed: (file: FailedPage) => void): Place {
  const places = new Map<string, string>();
  const linked = linkedPlace(calls, out);
  const copy: Place = (name) => {
    try {
      copyFileAtomicSync(join(calls, name), join(out, COPIES, name));
      return copiedPlace(name);
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== "ERR_FILE_READ") throw error;
      failed({ file: name, code: "ERR_ATTACHMENT_READ", message: `${error.message}. It is linked, not copied.` });
      return linked(name);
    }
  };
  return (name) => {
    const place = places.get(name) ?? copy(name);
    places.set(name, place);
    return place;
  };
}

/**
 * A function that finds an attachment's file: the name itself where the page gives it whole (recordings), else the
 * file of that name with an extension; undefined where there is none.
 */
export function attachmentPaths(media: NameList, place: Place): (attachment: Attachment) => string | undefined {
  return ({ ref }) => {
    if (ref === "" || ref.includes("/")) return undefined;
    const whole = media.firstWith(ref);
    const name = whole === ref ? whole : media.firstWith(`${ref}.`);
    return name === undefined ? undefined : place(name);
  };
}

/** The name a message is written under: the owner's "Me", the alias of the number, else the page's own name. */
export function senderNames(aliasOf: (phone: string) => string): (message: Message) => string {
  return ({ fromMe, sender, senderName }) => {
    if (fromMe) return "Me";
    if (sender !== "") return aliasOf(sender);
    return senderName === "" ? "Unknown" : senderName;
  };
}
