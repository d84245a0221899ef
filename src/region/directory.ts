// Names to objects: chains of entries, hashed, under one mutex. An entry is complete before the one store that links it
// (the chain's head), and is unlinked by one store, so a thread that dies inside leaves the directory whole; at worst a
// block that was being made stays unnamed.

import { load, store } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import { RegionError } from "../cells/errors.ts";
import { allocate, release, serialOf } from "./allocator.ts";
import {
  B_NAME,
  BLOCK_HEADER_BYTES,
  DIRECTORY_CHAINS,
  H_DIRECTORY,
  H_DIRECTORY_LOCK,
  KIND_NAME,
  kindName,
} from "./layout.ts";
import { acquireWord, type Locker, markWordConsistent, releaseWord } from "./word-lock.ts";

const E_NEXT = 0;
const E_KIND = 1;
const E_TARGET = 2;
const E_LENGTH = 3;
const E_UNITS = 4;

export const MAX_NAME_LENGTH = 256;

/** Checks a name given by a user: a string of 1 to 256 UTF-16 units. */
export function checkName(name: unknown): string {
  if (typeof name !== "string") throw new TypeError(`name must be a string, got ${describe(name)}`);
  if (name.length === 0 || name.length > MAX_NAME_LENGTH) {
    throw new RangeError(`name must have 1 to ${MAX_NAME_LENGTH} characters, got ${name.length}`);
  }
  return name;
}

/** The object of this name and kind, made by `create` if there is none yet; one thread makes it, the others find it. */
export function findOrCreate(locker: Locker, name: string, kind: number, create: () => number): number {
  return withDirectory(locker, () => {
    const entry = findEntry(locker, name);
    if (entry !== 0) {
      const words = locker.memory.words;
      const found = words[(entry >> 2) + E_KIND];
      if (found === kind) return words[(entry >> 2) + E_TARGET];
      throw new RegionError(
        "ERR_REGION_KIND",
        `"${name}" is the name of a ${kindName(found)} in this region, not of a ${kindName(kind)}`,
        { name, expected: kindName(kind), found: kindName(found) },
      );
    }
    const target = create();
    try {
      link(locker, name, kind, target);
    } catch (error) {
      release(locker, target);
      throw error;
    }
    return target;
  });
}

/** Takes the name of the object at `target` away and gives its block back, in one step for everyone who looks it up. */
export function removeAndRelease(locker: Locker, target: number, retire: () => void): void {
  withDirectory(locker, () => {
    retire();
    const entry = nameEntry(locker, target);
    if (entry !== 0) unlink(locker, entry);
    release(locker, target);
    if (entry !== 0) release(locker, entry);
  });
}

/** The name of the object at this payload offset, or undefined. */
export function nameOf(locker: Locker, target: number): string | undefined {
  const entry = nameEntry(locker, target);
  return entry === 0 ? undefined : readName(locker, entry);
}

/** Every name with its kind and the serial number of its block, sorted by name. */
export function listNames(locker: Locker): { name: string; kind: string; serial: number }[] {
  return withDirectory(locker, () => {
    const names: { name: string; kind: string; serial: number }[] = [];
    for (let chain = 0; chain < DIRECTORY_CHAINS; chain++) {
      for (let entry = load(locker.memory.words, H_DIRECTORY + chain); entry !== 0; ) {
        locker.memory.cover(entry + BLOCK_HEADER_BYTES);
        const words = locker.memory.words;
        const kind = kindName(words[(entry >> 2) + E_KIND]);
        names.push({ name: readName(locker, entry), kind, serial: serialOf(locker, words[(entry >> 2) + E_TARGET]) });
        entry = words[(entry >> 2) + E_NEXT];
      }
    }
    return names.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

function nameEntry(locker: Locker, target: number): number {
  return load(locker.memory.words, ((target - BLOCK_HEADER_BYTES) >> 2) + B_NAME);
}

function chainOf(name: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) & (DIRECTORY_CHAINS - 1);
}

function findEntry(locker: Locker, name: string): number {
  let entry = load(locker.memory.words, H_DIRECTORY + chainOf(name));
  while (entry !== 0) {
    locker.memory.cover(entry + BLOCK_HEADER_BYTES);
    if (readName(locker, entry) === name) return entry;
    entry = locker.memory.words[(entry >> 2) + E_NEXT];
  }
  return 0;
}

function link(locker: Locker, name: string, kind: number, target: number): void {
  const entry = allocate(locker, (E_UNITS << 2) + name.length * 2, KIND_NAME);
  const words = locker.memory.words;
  const at = entry >> 2;
  const head = H_DIRECTORY + chainOf(name);
  words[at + E_NEXT] = load(words, head);
  words[at + E_KIND] = kind;
  words[at + E_TARGET] = target;
  words[at + E_LENGTH] = name.length;
  for (let unit = 0; unit < name.length; unit += 2) {
    // Past the end charCodeAt gives NaN, which becomes 0.
    words[at + E_UNITS + (unit >> 1)] = name.charCodeAt(unit) | (name.charCodeAt(unit + 1) << 16);
  }
  store(words, ((target - BLOCK_HEADER_BYTES) >> 2) + B_NAME, entry);
  store(words, head, entry);
}

function unlink(locker: Locker, entry: number): void {
  const words = locker.memory.words;
  const next = words[(entry >> 2) + E_NEXT];
  let link = H_DIRECTORY + chainOf(readName(locker, entry));
  while (load(words, link) !== entry) {
    if (load(words, link) === 0) return;
    link = (load(words, link) >> 2) + E_NEXT;
  }
  store(words, link, next);
}

function readName(locker: Locker, entry: number): string {
  const at = entry >> 2;
  const length = Math.min(locker.memory.words[at + E_LENGTH], MAX_NAME_LENGTH);
  locker.memory.cover(entry + (E_UNITS << 2) + length * 2);
  const words = locker.memory.words;
  let name = "";
  for (let unit = 0; unit < length; unit++) {
    name += String.fromCharCode((words[at + E_UNITS + (unit >> 1)] >>> ((unit & 1) << 4)) & 0xffff);
  }
  return name;
}

function withDirectory<T>(locker: Locker, work: () => T): T {
  if (acquireWord(locker, H_DIRECTORY_LOCK) === 2) markWordConsistent(locker, H_DIRECTORY_LOCK);
  try {
    return work();
  } finally {
    releaseWord(locker, H_DIRECTORY_LOCK);
  }
}
