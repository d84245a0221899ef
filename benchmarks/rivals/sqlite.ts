// SQLite as a map of strings: in memory, which one thread alone can use, and as a file in WAL mode, which every thread opens
// for itself. Three packages of it: node-sqlite3-wasm, in memory only (it has no shared memory, which WAL needs);
// better-sqlite3, which compiles itself at its installation and so is no dependency, and takes part if it can be loaded;
// node:sqlite, which Node has from 22.13 on.
//
// Invariant: nothing has to outlive the process, so no form waits for the disk; a connection that finds the file locked waits.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Opened } from "./tables.ts";

type Row = Readonly<Record<string, unknown>>;

interface Statement {
  get(...values: unknown[]): unknown;
  run(...values: unknown[]): unknown;
  /** better-sqlite3: gives the first column instead of a row. */
  pluck?(): Statement;
}

interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  close(): void;
}

const WAL = " (WAL)";
const BUSY_MS = 10_000;
const require = createRequire(import.meta.url);

function databaseOf(module: string, file: string): Database {
  const loaded = require(module) as unknown;
  const names: Readonly<Record<string, string>> = { "node-sqlite3-wasm": "Database", "node:sqlite": "DatabaseSync" };
  const name = names[module];
  const Open = (name === undefined ? loaded : (loaded as Row)[name]) as new (path: string) => Database;
  return new Open(file);
}

/** Whether this process can load it. */
function isThere(module: string): boolean {
  try {
    require(module);
    return true;
  } catch {
    return false;
  }
}

/** A Node that has node:sqlite: this one, or one that `npm run test:runtimes` has installed. */
function programWithSqlite(): string | undefined {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 13)) return process.execPath;
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const program = join(root, ".runtimes", "node_modules", "node-24", "bin", "node");
  return existsSync(program) ? program : undefined;
}

/** The program that runs a subject. */
export function programOf(subject: string): string {
  return (subject.startsWith("node:sqlite") ? programWithSqlite() : undefined) ?? process.execPath;
}

/** Those that this process can open. */
export function sqliteHere(): string[] {
  const subjects = ["node-sqlite3-wasm"];
  if (isThere("better-sqlite3")) subjects.push("better-sqlite3", `better-sqlite3${WAL}`);
  if (programWithSqlite() === process.execPath) subjects.push("node:sqlite", `node:sqlite${WAL}`);
  return subjects;
}

/** Those that several threads can share, in a process of {@link programOf}. */
export function sqliteShared(): string[] {
  const subjects = isThere("better-sqlite3") ? [`better-sqlite3${WAL}`] : [];
  if (programWithSqlite() !== undefined) subjects.push(`node:sqlite${WAL}`);
  return subjects;
}

export function isSqlite(subject: string): boolean {
  return subject.includes("sqlite");
}

/** Opens a subject's map: a new one, or that of the file of another thread. */
export function openSqlite(subject: string, file: string | undefined): Opened {
  const shared = subject.endsWith(WAL);
  const module = shared ? subject.slice(0, -WAL.length) : subject;
  const folder = shared && file === undefined ? mkdtempSync(join(tmpdir(), "holdfast-sqlite-")) : undefined;
  const path = folder === undefined ? (file ?? ":memory:") : join(folder, "map.db");
  const db = databaseOf(module, path);
  if (shared) {
    db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    db.exec("PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = OFF");
  }
  if (file === undefined) db.exec("CREATE TABLE map (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID");
  return {
    store: storeOf(db, module),
    handle: shared ? path : undefined,
    close: () => {
      db.close();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function storeOf(db: Database, module: string): Opened["store"] {
  const get = db.prepare("SELECT value FROM map WHERE key = ?");
  const set = db.prepare("INSERT INTO map VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value");
  const add = db.prepare("UPDATE map SET value = value + 1 WHERE key = ?");
  if (module === "node-sqlite3-wasm") {
    return {
      get: (key) => (get.get([key]) as Row | undefined)?.value as string | undefined,
      set: (key, value) => set.run([key, value]),
      add: (key) => add.run([key]),
    };
  }
  const plucked = get.pluck?.();
  return {
    get:
      plucked === undefined
        ? (key) => (get.get(key) as Row | undefined)?.value as string | undefined
        : (key) => plucked.get(key) as string | undefined,
    set: (key, value) => set.run(key, value),
    add: (key) => add.run(key),
  };
}
