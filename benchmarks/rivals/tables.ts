// Maps of strings for several threads, as people use them today, behind one face: lmdb, the npm package sharedmap, SQLite
// (sqlite.ts), and asking another thread by postMessage. A plain Map, private to its thread, is the floor.
//
// Invariant: what is measured of a peer is its own fastest documented way; `add` is one atomic step in each of them.

import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import { open } from "lmdb";
import { Region } from "../../src/index.ts";
import { SharedMap, SharedTable } from "../../src/tables/index.ts";
import { isSqlite, openSqlite } from "./sqlite.ts";

export interface Store {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
  /** Adds 1 to a counter of that name, which exists. */
  add(key: string): unknown;
}

export interface Opened {
  readonly store: Store;
  /** What another thread opens the same store with; structured-cloneable. */
  readonly handle: unknown;
  readonly close: () => Promise<void> | void;
}

/** The part of the package that is used; its own declarations are not valid TypeScript. */
interface SharedMapPackage {
  get(key: string): string | undefined;
  set(key: string, value: string, options?: { lockWrite: boolean }): void;
  lockWrite(): void;
  unlockWrite(): void;
}
const PeerMap = createRequire(import.meta.url)("sharedmap") as new (
  entries: number,
  keyUnits: number,
  valueUnits: number,
) => SharedMapPackage;

export const COUNTERS = "counter ";
const columns = { n: "u32" } as const;

function openMap(): Opened {
  const map = new Map<string, string>();
  const counts = new Map<string, number>();
  return {
    store: {
      get: (key) => map.get(key),
      set: (key, value) => map.set(key, value),
      add: (key) => counts.set(key, (counts.get(key) ?? 0) + 1),
    },
    handle: undefined,
    close: () => undefined,
  };
}

interface OwnHandle {
  readonly map: ReturnType<SharedMap["share"]>;
  readonly counts: ReturnType<SharedTable<string, { n: number }>["share"]>;
}

function openOwn(handle: OwnHandle | undefined, wasm: boolean): Opened {
  const region = handle === undefined ? Region.create({ wasm }) : undefined;
  const map = handle === undefined ? new SharedMap({ region }) : SharedMap.from(handle.map);
  const counts =
    handle === undefined
      ? new SharedTable({ region, key: "string", columns })
      : SharedTable.from(handle.counts, { key: "string", columns });
  return {
    store: {
      get: (key) => map.get(key),
      set: (key, value) => map.set(key, value),
      add: (key) => counts.add(key, "n", 1),
    },
    handle: { map: map.share(), counts: counts.share() } satisfies OwnHandle,
    close: () => undefined,
  };
}

function openLmdb(handle: string | undefined): Opened {
  const path = handle ?? mkdtempSync(join(tmpdir(), "holdfast-lmdb-"));
  // Nothing has to outlive the process: no sync to the disk.
  const db = open<string, string>({ path: join(path, "data"), encoding: "string", noSync: true });
  return {
    store: {
      get: (key) => db.get(key),
      set: (key, value) => db.putSync(key, value),
      add: (key) => db.transactionSync(() => db.putSync(key, String(Number(db.get(key) ?? 0) + 1))),
    },
    handle: path,
    close: async () => {
      await db.close();
      if (handle === undefined) rmSync(path, { recursive: true, force: true });
    },
  };
}

function openPeerMap(handle: SharedMapPackage | undefined): Opened {
  const map = handle ?? new PeerMap(4096, 32, 32);
  // A clone has lost its class; the package's documentation puts it back like this.
  if (handle !== undefined) Object.setPrototypeOf(map, PeerMap.prototype as object);
  return {
    store: {
      get: (key) => map.get(key),
      set: (key, value) => map.set(key, value),
      add: (key) => {
        map.lockWrite();
        const options = { lockWrite: true };
        map.set(key, String(Number((map.get as (k: string, o: object) => string)(key, options)) + 1), options);
        map.unlockWrite();
      },
    },
    handle: map,
    close: () => undefined,
  };
}

/** Opens a subject's store: a new one, or in another thread the one of the handle. */
export function openStore(subject: string, handle?: unknown): Opened {
  switch (subject) {
    case "holdfast":
      return openOwn(handle as OwnHandle | undefined, true);
    case "holdfast-js":
      return openOwn(handle as OwnHandle | undefined, false);
    case "lmdb":
      return openLmdb(handle as string | undefined);
    case "sharedmap":
      return openPeerMap(handle as SharedMapPackage | undefined);
    default:
      return isSqlite(subject) ? openSqlite(subject, handle as string | undefined) : openMap();
  }
}

/** One thread owns the Map; the others ask it, one question at a time. */
export type Question = readonly ["get" | "set" | "add", key: string, value?: string];

/** Answers what comes through the port out of `store`. */
export function serve(port: MessagePort, store: Store): void {
  port.on("message", ([what, key, value = ""]: Question) => {
    if (what === "get") port.postMessage(store.get(key));
    else {
      if (what === "set") store.set(key, value);
      else store.add(key);
      port.postMessage(undefined);
    }
  });
}
