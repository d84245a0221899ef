// Folders and pages for tests of the Takeout run.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary folder for each test of a suite. */
export class TestFolder {
  path = "";

  make(): void {
    this.path = mkdtempSync(join(tmpdir(), "holdfast-takeout-"));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** A Calls folder with these files. */
  calls(files: Readonly<Record<string, string | Uint8Array>>): string {
    const calls = join(this.path, "Takeout", "Voice", "Calls");
    mkdirSync(calls, { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(calls, name), content);
    return join(this.path, "Takeout");
  }
}

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** A text page with one message after the other from one contact. */
export function textPage(tel: string, name: string, texts: readonly string[], day = 1): string {
  const messages = texts.map((text, i) => {
    const time = `2020-01-${String(day).padStart(2, "0")}T10:${String(i).padStart(2, "0")}:00.000-05:00`;
    return `<div class="message"><abbr class="dt" title="${time}">t</abbr>:
<cite class="sender vcard"><a class="tel" href="tel:${tel}"><span class="fn">${escape(name)}</span></a></cite>:
<q>${escape(text)}</q></div>`;
  });
  return `<?xml version="1.0" ?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>${escape(name)}</title></head><body>
<div class="hChatLog hfeed">${messages.join(" ")}</div>
<div class="tags">Labels: <a rel="tag" href="http://www.google.com/voice#sms">Text</a></div>
<div class="deletedStatusContainer">User Deleted: False</div></body></html>`;
}
