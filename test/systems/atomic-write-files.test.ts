import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FileError } from "../../src/cells/errors.ts";
import {
  backUpFileSync,
  copyFileAtomicSync,
  readFileIfAny,
  removeStaleTemporaries,
  writeFileAtomicSync,
} from "../../src/systems/atomic-write-files.ts";

const test = suite("systems/atomic-write-files");
let folder = "";

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-write-"));
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

function failure(run: () => void): FileError {
  try {
    run();
  } catch (error) {
    assert.instance(error, FileError);
    return error as FileError;
  }
  throw new Error("it did not fail");
}

test("writes, replaces and makes folders, and leaves nothing beside the file", () => {
  const path = join(folder, "a", "b", "x.txt");
  writeFileAtomicSync(path, "one");
  writeFileAtomicSync(path, "two");
  assert.is(readFileSync(path, "utf8"), "two");
  assert.equal(readdirSync(join(folder, "a", "b")), ["x.txt"]);
});

test("a name of the greatest length leaves room for the temporary one", () => {
  const path = join(folder, "x".repeat(255));
  writeFileAtomicSync(path, "one");
  assert.is(readFileSync(path, "utf8"), "one");
});

test("a write that fails says which file and why, and leaves the old one and no other", () => {
  mkdirSync(join(folder, "taken"));
  const error = failure(() => writeFileAtomicSync(join(folder, "taken"), "x"));
  assert.is(error.code, "ERR_FILE_WRITE");
  assert.match(error.message, join(folder, "taken"));
  assert.equal(readdirSync(folder), ["taken"]);
  writeFileSync(join(folder, "file"), "old");
  assert.is(failure(() => writeFileAtomicSync(join(folder, "file", "x"), "x")).info.reason, "EEXIST");
  assert.is(readFileSync(join(folder, "file"), "utf8"), "old");
});

test("a disk that fills up: ENOSPC in words, the old file whole, no temporary file", () => {
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]).status === 0;
  if (!mounted) {
    console.log("  (a small tmpfs can't be mounted here: the full disk is not tested)");
    return;
  }
  try {
    const path = join(folder, "x.txt");
    writeFileAtomicSync(path, "old");
    const error = failure(() => writeFileAtomicSync(path, "y".repeat(100_000)));
    assert.is(error.info.reason, "ENOSPC");
    assert.match(error.message, "no space is left");
    assert.is(readFileSync(path, "utf8"), "old");
    assert.equal(readdirSync(folder), ["x.txt"]);
  } finally {
    spawnSync("umount", [folder]);
  }
});

test("a folder without write permission is told (root writes anywhere: then there is nothing to see)", () => {
  const closed = join(folder, "closed");
  mkdirSync(closed);
  chmodSync(closed, 0o500);
  if (process.getuid?.() === 0) return;
  assert.is(failure(() => writeFileAtomicSync(join(closed, "x"), "x")).info.reason, "EACCES");
});

test("backUpFileSync copies the previous file under backup/, and says where there is none", () => {
  const path = join(folder, "x.txt");
  assert.not(backUpFileSync(path));
  assert.not(existsSync(join(folder, "backup")));
  writeFileAtomicSync(path, "old");
  assert.ok(backUpFileSync(path));
  assert.is(readFileSync(join(folder, "backup", "x.txt"), "utf8"), "old");
});

test("copyFileAtomicSync: whole, with its time of change, once; again when the source has changed", () => {
  const [from, to] = [join(folder, "from"), join(folder, "copies", "to")];
  writeFileSync(from, "first");
  assert.is(copyFileAtomicSync(from, to), true);
  assert.is(readFileSync(to, "utf8"), "first");
  assert.is(copyFileAtomicSync(from, to), false);
  writeFileSync(from, "second one");
  assert.is(copyFileAtomicSync(from, to), true);
  assert.is(readFileSync(to, "utf8"), "second one");
  assert.equal(readdirSync(join(folder, "copies")), ["to"]);
});

test("copyFileAtomicSync: what can't be read, or written, is an error that names it, and leaves nothing", () => {
  assert.is(failure(() => copyFileAtomicSync(join(folder, "none"), join(folder, "to"))).code, "ERR_FILE_READ");
  assert.is(failure(() => copyFileAtomicSync(folder, join(folder, "to"))).info.reason, "EISDIR");
  writeFileSync(join(folder, "file"), "x");
  const error = failure(() => copyFileAtomicSync(join(folder, "file"), join(folder, "file", "inside")));
  assert.is(error.code, "ERR_FILE_WRITE");
  assert.equal(readdirSync(folder), ["file"]);
});

test("readFileIfAny: undefined for no file, an error for a folder", () => {
  assert.is(readFileIfAny(join(folder, "none")), undefined);
  const error = failure(() => readFileIfAny(folder));
  assert.is(error.code, "ERR_FILE_READ");
  assert.is(error.info.reason, "EISDIR");
});

test("temporary files of dead processes and of this one are removed, those of living ones stay", () => {
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;
  const name = (pid: number): string => `.holdfast-${pid}-0-1-abc.tmp`;
  for (const pid of [dead, process.pid, process.ppid]) writeFileSync(join(folder, name(pid)), "");
  writeFileSync(join(folder, "mine.tmp"), "");
  assert.is(removeStaleTemporaries(folder), 2);
  assert.equal(readdirSync(folder).sort(), [name(process.ppid), "mine.tmp"].sort());
  assert.is(removeStaleTemporaries(join(folder, "none")), 0);
});

test.run();
