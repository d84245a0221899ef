// Files that are whole or not there: every write goes to a temporary file in the same folder, is flushed to the disk,
// then renamed over the old file; the folder is flushed too, so that the new name survives a power cut.
//
// Invariant: at any moment, also after a crash or on a full disk, a name holds the complete old or the complete new
// content. A temporary file is removed on every error; only a killed process leaves one, and removeStaleTemporaries
// knows it by its name: `.holdfast-<pid>-<thread>-<n>-<random>.tmp`. Two writers never share one.
//
// Node's modules are fetched when needed, not imported: a browser can load what builds on this and keep to memory.
import type * as NodeFs from "node:fs";
import type * as NodePath from "node:path";
import type * as NodeWorker from "node:worker_threads";
import { FileError } from "../cells/errors.ts";

const IN_WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  ENOENT: "no such file or folder",
  ENOTDIR: "a part of the path is not a folder",
  EEXIST: "a file stands where a folder should be",
  EISDIR: "it is a folder",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many open files",
};

function reasonOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
}

/** What a file system's error means, in words with its code: "no space is left on the device (ENOSPC)". */
export function explainFileError(cause: unknown): string {
  const code = reasonOf(cause);
  if (code !== "" && IN_WORDS[code] !== undefined) return `${IN_WORDS[code]} (${code})`;
  return cause instanceof Error ? cause.message : String(cause);
}

function fileError(code: "ERR_FILE_READ" | "ERR_FILE_WRITE", verb: string, path: string, cause: unknown): FileError {
  const message = `cannot ${verb} ${path}: ${explainFileError(cause)}`;
  return new FileError(code, message, { path, reason: reasonOf(cause) }, { cause });
}

interface NodeModules {
  readonly fs: typeof NodeFs;
  readonly path: typeof NodePath;
  readonly threadId: number;
}

let modules: NodeModules | undefined;

function node(): NodeModules {
  if (modules !== undefined) return modules;
  const process = (globalThis as { process?: Partial<NodeJS.Process> }).process;
  if (process?.getBuiltinModule === undefined) {
    throw new FileError("ERR_FILE_UNAVAILABLE", "there is no file system here: files need Node 20.16 or newer");
  }
  const worker: typeof NodeWorker = process.getBuiltinModule("node:worker_threads");
  modules = {
    fs: process.getBuiltinModule("node:fs"),
    path: process.getBuiltinModule("node:path"),
    threadId: worker.threadId,
  };
  return modules;
}

const TEMPORARY = /^\.holdfast-(\d+)-\d+-\d+-[0-9a-z]+\.tmp$/;
let temporaries = 0;

function temporaryName(): string {
  temporaries++;
  const random = Math.floor(Math.random() * 2 ** 40).toString(36);
  return `.holdfast-${process.pid}-${node().threadId}-${temporaries}-${random}.tmp`;
}

/** Flushes a folder's own entries. Windows can't open folders, and needs no such flush. */
function flushFolder(folder: string): void {
  if (process.platform === "win32") return;
  const { fs } = node();
  const descriptor = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

function writeAndFlush(temporary: string, content: string | Uint8Array): void {
  const { fs } = node();
  // "wx": should the name exist after all, this fails instead of writing into someone else's file.
  const descriptor = fs.openSync(temporary, "wx", 0o666);
  try {
    fs.writeFileSync(descriptor, content);
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Removes what an attempt may have left; the error that ended the attempt is the one to tell. */
function removeQuietly(temporary: string): void {
  try {
    node().fs.rmSync(temporary, { force: true });
  } catch {
    // The folder is not there or not ours: then the file was never made.
  }
}

export interface AtomicWriteOptions {
  /** Whether to flush the folder as well (default true); false for many files, with one flushFolderSync at the end. */
  readonly flushFolder?: boolean;
}

/**
 * Puts a file in place, whole, creating its folder. Blocks for the disk. Several threads and processes may write one
 * file at once: one of the contents wins, whole.
 * @throws FileError `ERR_FILE_WRITE`, naming the file; the old content stands, nothing else is left behind.
 */
export function writeFileAtomicSync(
  path: string,
  content: string | Uint8Array,
  options: AtomicWriteOptions = {},
): void {
  const { fs, path: paths } = node();
  const folder = paths.dirname(path);
  const temporary = paths.join(folder, temporaryName());
  try {
    fs.mkdirSync(folder, { recursive: true });
    writeAndFlush(temporary, content);
    fs.renameSync(temporary, path);
    if (options.flushFolder !== false) flushFolder(folder);
  } catch (cause) {
    removeQuietly(temporary);
    throw fileError("ERR_FILE_WRITE", "write", path, cause);
  }
}

/** Whether a copy was made of this very state of the file: same size, same time of change (to what a disk keeps). */
function isCopyOf(copy: NodeFs.Stats | undefined, source: NodeFs.Stats): boolean {
  return copy?.isFile() === true && copy.size === source.size && Math.abs(copy.mtimeMs - source.mtimeMs) < 2;
}

/**
 * Copies a file, whole or not at all, with its time of change; a copy that is there already is left alone. Blocks for
 * the disk. Several threads may copy one file at once.
 * @returns whether anything was copied.
 * @throws FileError `ERR_FILE_READ` where the source can't be read, `ERR_FILE_WRITE` naming the copy.
 */
export function copyFileAtomicSync(from: string, to: string): boolean {
  const { fs, path: paths } = node();
  let source: NodeFs.Stats;
  try {
    fs.accessSync(from, fs.constants.R_OK);
    source = fs.statSync(from);
    if (!source.isFile()) throw Object.assign(new Error("it is no file"), { code: "EISDIR" });
  } catch (cause) {
    throw fileError("ERR_FILE_READ", "read", from, cause);
  }
  const folder = paths.dirname(to);
  const temporary = paths.join(folder, temporaryName());
  try {
    if (isCopyOf(fs.statSync(to, { throwIfNoEntry: false }), source)) return false;
    fs.mkdirSync(folder, { recursive: true });
    fs.copyFileSync(from, temporary, fs.constants.COPYFILE_EXCL);
    fs.utimesSync(temporary, source.atime, source.mtime);
    fs.renameSync(temporary, to);
  } catch (cause) {
    removeQuietly(temporary);
    throw fileError("ERR_FILE_WRITE", "write", to, cause);
  }
  return true;
}

/** Flushes the names in a folder to the disk: once, after many writes with `flushFolder: false`. */
export function flushFolderSync(folder: string): void {
  try {
    flushFolder(folder);
  } catch (cause) {
    throw fileError("ERR_FILE_WRITE", "flush", folder, cause);
  }
}

/**
 * Copies a file to `backup/<name>` in its own folder, replacing the copy that is there, whole or not at all.
 * @param name the copy's name; the file's own by default.
 * @returns whether there was a file to copy.
 * @throws FileError `ERR_FILE_READ` or `ERR_FILE_WRITE`.
 */
export function backUpFileSync(path: string, name?: string): boolean {
  const { path: paths } = node();
  const content = readFileIfAny(path);
  if (content === undefined) return false;
  writeFileAtomicSync(paths.join(paths.dirname(path), "backup", name ?? paths.basename(path)), content);
  return true;
}

/** A file's bytes, undefined where there is no such file. Any other failure is a FileError `ERR_FILE_READ`. */
export function readFileIfAny(path: string): Uint8Array | undefined {
  try {
    return node().fs.readFileSync(path);
  } catch (cause) {
    if (reasonOf(cause) === "ENOENT") return undefined;
    if (cause instanceof FileError) throw cause;
    throw fileError("ERR_FILE_READ", "read", path, cause);
  }
}

/**
 * Runs an action when this process, or this worker, exits by itself. What it throws is written to standard error, and
 * makes the exit code 1. Does nothing where there is no process.
 * @returns a function that takes it back.
 */
export function atExit(action: () => void): () => void {
  const process = (globalThis as { process?: Partial<NodeJS.Process> }).process as NodeJS.Process | undefined;
  if (process?.on === undefined) return () => {};
  const listener = (): void => {
    try {
      action();
    } catch (error) {
      // The event loop has ended: only a write that is done at once arrives.
      node().fs.writeSync(2, `${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  };
  process.on("exit", listener);
  return () => process.off("exit", listener);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return reasonOf(error) === "EPERM";
  }
}

/**
 * Removes the temporary files that killed processes left in a folder. Those of other living processes stay; those of
 * this process go too, so call it before the first write.
 * @returns how many were removed; 0 where the folder does not exist.
 */
export function removeStaleTemporaries(folder: string): number {
  const { fs, path: paths } = node();
  let names: string[];
  try {
    names = fs.readdirSync(folder);
  } catch {
    return 0;
  }
  const stale = names.filter((name) => {
    const pid = Number(TEMPORARY.exec(name)?.[1]);
    return pid > 0 && (pid === process.pid || !isAlive(pid));
  });
  for (const name of stale) fs.rmSync(paths.join(folder, name), { force: true });
  return stale.length;
}
