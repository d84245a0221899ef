// Names to objects: chains of entries, hashed, under one mutex. An entry is complete before the one store that links it
// (the chain's head), and is unlinked by one store, so a thread that dies inside leaves the directory whole. What it was
// about to link, or had unlinked, the next one gives back: such a block says by B_NAME that it belongs to an entry, and
// the entry is in no chain. Every block that is allocated while a named object is made says so from its first moment on;
// once the entry is linked, only the object itself does. An object that was retired and not unlinked yet is refused and made anew by whoever finds it.

import { load, store } from "../cells/atomics.ts";
import { describe } from "../cells/deadline.ts";
import { RegionError } from "../cells/errors.ts";
import { allocate, release, walkHeapLocked } from "./allocator.ts";
import { serialOf } from "./blocks.ts";
import {
  B_KIND,
  B_NAME,
  BLOCK_HEADER_BYTES,
  BLOCK_USED,
  DIRECTORY_CHAINS,
  H_DIRECTORY,
  H_DIRECTORY_LOCK,
  KIND_NAME,
  kindName,
} from "./layout.ts";
import { type Locker, type Naming, withWord } from "./word-lock.ts";

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

/**
 * The object of this name and kind, made by `create` if there is none yet; one thread makes it, the others find it, and
 * show it to `found`: if that gives false, the object is retired, and is made anew.
 */
export function findOrCreate(
  locker: Locker,
  name: string,
  kind: number,
  create: () => number,
  found: (target: number) => boolean = () => true,
): number {
  return withDirectory(locker, () => {
    const entry = findEntry(locker, name);
    if (entry !== 0) {
      const target = locker.memory.words[(entry >> 2) + E_TARGET];
      checkKind(locker, name, entry, kind);
      if (found(target)) return target;
      unlinkAndRelease(locker, target);
    }
    return make(locker, name, kind, create);
  });
}

function make(locker: Locker, name: string, kind: number, create: () => number): number {
  const entry = prepare(locker, name, kind);
  const naming = { entry, blocks: [] };
  locker.naming = naming;
  try {
    const target = create();
    link(locker, name, entry, target);
    settle(locker, naming, target);
    return target;
  } catch (error) {
    settle(locker, naming, 0);
    release(locker, entry);
    throw error;
  } finally {
    locker.naming = undefined;
  }
}

/** What was allocated for an object belongs to it, not to its name. */
function settle(locker: Locker, { entry, blocks }: Naming, target: number): void {
  for (const block of blocks) {
    const nameAt = ((block - BLOCK_HEADER_BYTES) >> 2) + B_NAME;
    locker.memory.cover(block);
    if (block !== target && locker.memory.words[nameAt] === entry) store(locker.memory.words, nameAt, 0);
  }
}

function checkKind(locker: Locker, name: string, entry: number, kind: number): void {
  const found = locker.memory.words[(entry >> 2) + E_KIND];
  if (found === kind) return;
  throw new RegionError(
    "ERR_REGION_KIND",
    `"${name}" is the name of a ${kindName(found)} in this region, not of a ${kindName(kind)}`,
    { name, expected: kindName(kind), found: kindName(found) },
  );
}

/** Takes the name of the object at `target` away and gives its block back, in one step for everyone who looks it up. */
export function removeAndRelease(locker: Locker, target: number, retire: () => void): void {
  withDirectory(locker, () => {
    retire();
    unlinkAndRelease(locker, target);
  });
}

function unlinkAndRelease(locker: Locker, target: number): void {
  const entry = nameEntry(locker, target);
  if (entry !== 0) unlink(locker, entry);
  release(locker, target);
  if (entry !== 0) release(locker, entry);
}

/** Returns once no other thread is in the middle of taking an object out. Blocks as long as that takes. */
export function awaitRemoval(locker: Locker): void {
  withDirectory(locker, () => undefined);
}

/** The name of the object at this payload offset, or undefined. */
export function nameOf(locker: Locker, target: number): string | undefined {
  const entry = nameEntry(locker, target);
  if (entry === 0) return undefined;
  const name = readName(locker, entry);
  // Read without the lock (messages need it inside one): if the object was freed meanwhile, it has no name any more.
  return nameEntry(locker, target) === entry ? name : undefined;
}

/** Every name with its kind and the serial number of its block, sorted by name. */
export function listNames(locker: Locker): { name: string; kind: string; serial: number }[] {
  return withDirectory(locker, () => {
    const names: { name: string; kind: string; serial: number }[] = [];
    eachEntry(locker, (entry) => {
      const { words } = locker.memory;
      const kind = kindName(words[(entry >> 2) + E_KIND]);
      names.push({ name: readName(locker, entry), kind, serial: serialOf(locker, words[(entry >> 2) + E_TARGET]) });
    });
    return names.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

function eachEntry(locker: Locker, visit: (entry: number) => void): void {
  for (let chain = 0; chain < DIRECTORY_CHAINS; chain++) {
    for (let entry = load(locker.memory.words, H_DIRECTORY + chain); entry !== 0; entry = nextEntry(locker, entry)) {
      locker.memory.cover(entry + BLOCK_HEADER_BYTES);
      visit(entry);
    }
  }
}

/** The entry behind this one, or 0. */
function nextEntry(locker: Locker, entry: number): number {
  // An entry's memory, and what it points to, may lie beyond this thread's view.
  locker.memory.cover(entry + BLOCK_HEADER_BYTES);
  return locker.memory.words[(entry >> 2) + E_NEXT];
}

function nameEntry(locker: Locker, target: number): number {
  locker.memory.cover(target);
  return load(locker.memory.words, ((target - BLOCK_HEADER_BYTES) >> 2) + B_NAME);
}

function chainOf(name: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) & (DIRECTORY_CHAINS - 1);
}

function findEntry(locker: Locker, name: string): number {
  let entry = load(locker.memory.words, H_DIRECTORY + chainOf(name));
  while (entry !== 0 && readName(locker, entry) !== name) entry = nextEntry(locker, entry);
  return entry;
}

/** A new entry, in no chain yet. */
function prepare(locker: Locker, name: string, kind: number): number {
  const entry = allocate(locker, (E_UNITS << 2) + name.length * 2, KIND_NAME);
  const words = locker.memory.words;
  const at = entry >> 2;
  words[at + E_KIND] = kind;
  words[at + E_LENGTH] = name.length;
  for (let unit = 0; unit < name.length; unit += 2) {
    // Past the end charCodeAt gives NaN, which becomes 0.
    words[at + E_UNITS + (unit >> 1)] = name.charCodeAt(unit) | (name.charCodeAt(unit + 1) << 16);
  }
  return entry;
}

function link(locker: Locker, name: string, entry: number, target: number): void {
  locker.memory.cover(target);
  const words = locker.memory.words;
  const head = H_DIRECTORY + chainOf(name);
  words[(entry >> 2) + E_NEXT] = load(words, head);
  words[(entry >> 2) + E_TARGET] = target;
  store(words, ((target - BLOCK_HEADER_BYTES) >> 2) + B_NAME, entry);
  store(words, head, entry);
}

function unlink(locker: Locker, entry: number): void {
  const next = nextEntry(locker, entry);
  let link = H_DIRECTORY + chainOf(readName(locker, entry));
  for (let at = load(locker.memory.words, link); at !== entry; ) {
    if (at === 0) return;
    link = (at >> 2) + E_NEXT;
    at = nextEntry(locker, at);
  }
  store(locker.memory.words, link, next);
}

function readName(locker: Locker, entry: number): string {
  locker.memory.cover(entry + BLOCK_HEADER_BYTES);
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
  return withWord(locker, H_DIRECTORY_LOCK, giveBackUnlinked, work);
}

/** After a death inside: gives back entries that are in no chain, and the blocks that name them. */
function giveBackUnlinked(locker: Locker): void {
  const linked = new Set<number>();
  eachEntry(locker, (entry) => linked.add(entry));
  const lost: number[] = [];
  walkHeapLocked(locker, (block, _, state) => {
    if (state !== BLOCK_USED) return;
    const { words } = locker.memory;
    const payload = block + BLOCK_HEADER_BYTES;
    const name = words[(block >> 2) + B_NAME];
    const isEntry = words[(block >> 2) + B_KIND] === KIND_NAME;
    if (isEntry ? !linked.has(payload) : name !== 0 && !linked.has(name)) lost.push(payload);
    // A part of an object that was linked just before the death.
    else if (name !== 0 && words[(name >> 2) + E_TARGET] !== payload) store(words, (block >> 2) + B_NAME, 0);
  });
  for (const payload of lost) release(locker, payload);
}
