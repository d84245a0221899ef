// Where the pages are, and what else lies beside them.

import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { explainFileError } from "../../src/systems/atomic-write-files.ts";
import { isPageName } from "./file-name.ts";
import { NameList } from "./name-list.ts";
import { readOwnNumber } from "./own-number.ts";

/** Something that makes a run impossible; its message is for the person at the terminal. */
export class RunError extends Error {}

export interface TakeoutInput {
  /** The folder of the pages. */
  readonly calls: string;
  /** The pages in the order of their file names: a page's place is its rank. */
  readonly pages: NameList;
  /** Everything else in the folder. */
  readonly media: NameList;
  /** The owner's number, "" where Phones.vcf does not tell it. */
  readonly ownNumber: string;
}

const CALLS_IN = ["Takeout/Voice/Calls", "Voice/Calls", "Calls"];

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The Calls folder of a Takeout, of its Voice folder, or the folder itself. */
function callsFolder(dir: string): string {
  try {
    if (!statSync(dir).isDirectory())
      throw new RunError(`${dir} is no folder; give the Takeout folder or its Calls folder`);
  } catch (error) {
    if (error instanceof RunError) throw error;
    throw new RunError(`cannot open ${dir}: ${explainFileError(error)}`, { cause: error });
  }
  const inside = CALLS_IN.map((path) => join(dir, path)).find(isFolder);
  return resolve(inside ?? dir);
}

/**
 * Finds and lists the pages of a Takeout.
 * @throws RunError where there is no such folder, it can't be read, or no page lies in it.
 */
export async function readInput(dir: string): Promise<TakeoutInput> {
  const calls = callsFolder(dir);
  let names: string[];
  try {
    names = readdirSync(calls);
  } catch (error) {
    throw new RunError(`cannot read ${calls}: ${explainFileError(error)}`, { cause: error });
  }
  const pages = NameList.of(names.filter(isPageName));
  if (pages.length === 0) throw new RunError(`there are no pages (*.html) in ${calls}`);
  const media = NameList.of(names.filter((name) => !isPageName(name)));
  const voice = basename(calls) === "Calls" ? dirname(calls) : calls;
  try {
    return { calls, pages, media, ownNumber: await readOwnNumber(voice) };
  } catch (error) {
    throw new RunError(`cannot read ${join(voice, "Phones.vcf")}: ${explainFileError(error)}`, { cause: error });
  }
}
