// From the reference on a page to the file beside it, and from there to a path that the output's pages can link to.

import { relative, sep } from "node:path";
import type { Attachment, Message } from "../../src/systems/page.ts";
import type { NameList } from "./name-list.ts";

/**
 * A function that finds an attachment's file: the name itself where the page gives it whole (recordings), else the
 * file of that name with an extension. The path is relative to the output folder, with `/` between folders.
 */
export function attachmentPaths(
  media: NameList,
  calls: string,
  out: string,
): (attachment: Attachment) => string | undefined {
  const folder = relative(out, calls).split(sep).join("/");
  return ({ ref }) => {
    if (ref === "" || ref.includes("/")) return undefined;
    const whole = media.firstWith(ref);
    const name = whole === ref ? whole : media.firstWith(`${ref}.`);
    if (name === undefined) return undefined;
    return folder === "" ? name : `${folder}/${name}`;
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
