// The pprof files: decoded here field by field, and opened by Go's own tool where there is one.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Profile as Pprof } from "pprof-format";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { pprofFiles } from "../../../src/profile/render/pprof.ts";
import { titleOf } from "../../../src/profile/render/summary.ts";
import type { Frame, Profile } from "../../../src/profile/types.ts";
import { emptyProfile, hostileProfile, hotProfile, largeProfile } from "../../support/profiles.ts";

const test = suite("profile: pprof");

interface Row {
  readonly lock: string;
  /** Innermost first: "name file:line". */
  readonly stack: readonly string[];
  readonly waits: number;
  readonly wait: number;
}

/** The samples as the file has them, found by following its numbers. */
function rowsIn(file: Uint8Array): { rows: Row[]; pprof: Pprof } {
  const pprof = Pprof.decode(gunzipSync(file));
  const text = (index: unknown): string => pprof.stringTable.strings[Number(index)];
  const functions = new Map(pprof.function.map((of) => [Number(of.id), of]));
  const locations = new Map(pprof.location.map((of) => [Number(of.id), of]));
  const rows = pprof.sample.map((sample): Row => {
    const stack = sample.locationId.map((id) => {
      const [line] = locations.get(Number(id))?.line ?? [];
      const of = functions.get(Number(line.functionId));
      return `${text(of?.name)} ${text(of?.filename)}:${line.line}`;
    });
    const [label] = sample.label;
    assert.is(text(label.key), "lock");
    return { lock: text(label.str), stack, waits: Number(sample.value[0]), wait: Number(sample.value[1]) };
  });
  return { rows, pprof };
}

const total = (rows: readonly { waits: number; wait: number }[]) => ({
  waits: rows.reduce((sum, { waits }) => sum + waits, 0),
  wait: rows.reduce((sum, { wait }) => sum + wait, 0),
});

test("the string table starts with the empty string, types and units are Go's", () => {
  const { pprof } = rowsIn(pprofFiles(hotProfile()).mutex);
  const text = (index: unknown): string => pprof.stringTable.strings[Number(index)];
  assert.is(pprof.stringTable.strings[0], "");
  assert.equal(
    pprof.sampleType.map(({ type, unit }) => `${text(type)}/${text(unit)}`),
    ["contentions/count", "delay/nanoseconds"],
  );
  assert.is(text(pprof.defaultSampleType), "delay");
  assert.is(Number(pprof.durationNanos), 5e9);
  assert.is(BigInt(pprof.timeNanos), BigInt(Date.UTC(2026, 0, 2, 3, 4, 5)) * 1_000_000n);
});

test("the mutex profile blames the holder, the block profile the waiter", () => {
  const { mutex, block } = pprofFiles(hotProfile());
  const at = (rows: Row[]): string[] =>
    rows.map(({ lock, stack, waits, wait }) => `${lock} ${stack[0]} ${waits} ${wait}`);
  assert.equal(at(rowsIn(mutex).rows), [
    'Mutex "counter" increment /srv/app/src/worker.js:12 5800 2944000000',
    'Mutex "counter" report /srv/app/src/worker.js:47 400 256000000',
    'RwLock "cache" (unknown) :0 80 90000000',
  ]);
  assert.equal(at(rowsIn(block).rows), [
    'Mutex "counter" increment /srv/app/src/worker.js:12 6000 3016000000',
    'Mutex "counter" report /srv/app/src/worker.js:47 200 184000000',
    'RwLock "cache" lookup /srv/app/src/cache.js:31 80 90000000',
  ]);
});

test("counts are those of the JSON: for each lock and place, and in all", () => {
  for (const profile of [hotProfile(), largeProfile(100, 8, 0), hostileProfile(), emptyProfile()]) {
    const files = pprofFiles(profile);
    for (const [side, file] of [
      ["holder", files.mutex],
      ["waiter", files.block],
    ] as const) {
      const { rows } = rowsIn(file);
      assert.equal(total(rows), total(profile.sites));
      for (const lock of profile.locks) {
        const sites = profile.sites.filter((site) => site.lock === lock.id);
        assert.equal(total(rows.filter((row) => row.lock === titleOf(lock))), total(sites), `${side} of ${lock.name}`);
      }
      const lengths = new Set(profile.sites.map((site) => Math.max(1, site[side].length)));
      assert.ok(rows.every(({ stack }) => lengths.has(stack.length)));
    }
  }
});

test("a function is in the file once, whatever calls it", () => {
  const { pprof } = rowsIn(pprofFiles(largeProfile(20, 4, 0)).block);
  const names = pprof.function.map(({ name, filename }) => `${name} ${filename}`);
  assert.is(new Set(names).size, names.length);
  assert.equal(
    pprof.function.map(({ id }) => Number(id)),
    names.map((_, index) => index + 1),
  );
});

test("equal profiles give equal files", () => {
  assert.equal(pprofFiles(hotProfile()), pprofFiles(hotProfile()));
});

test("deep stacks and numbers beyond 32 bits survive", () => {
  const hot = hotProfile();
  const deep = Array.from({ length: 300 }, (_, i): Frame => ({ name: `f${i}`, file: "/a.js", line: i + 1, column: 1 }));
  const sites = [{ lock: "1:4096", waiter: deep, holder: deep, waits: 2 ** 40, wait: 2 ** 52 }];
  const [row] = rowsIn(pprofFiles({ ...hot, sites }).mutex).rows;
  assert.equal([row.stack.length, row.waits, row.wait], [300, 2 ** 40, 2 ** 52]);
  assert.is(row.stack[299], "f299 /a.js:300");
});

/**
 * Go's pprof as it was installed, of any Go on the PATH or where Debian has it. A Go that would have to build it first (25
 * and later) doesn't count: that takes a minute.
 */
function findPprof(): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/lib/go/bin", "/usr/local/go/bin"];
  for (const path of folders.map((folder) => join(folder, "go")).filter((file) => existsSync(file))) {
    const { stdout } = spawnSync(path, ["env", "GOTOOLDIR"], { encoding: "utf8", timeout: 60_000 });
    const tool = join((stdout ?? "").trim(), "pprof");
    if (isAbsolute(tool) && existsSync(tool)) return tool;
  }
  return undefined;
}

const tool = findPprof();

/** What `go tool pprof` prints for a file. */
function goSays(folder: string, profile: Profile, which: "mutex" | "block", ...options: string[]): string {
  const path = join(folder, `${which}.pb.gz`);
  writeFileSync(path, pprofFiles(profile)[which]);
  const env = { ...process.env, PPROF_TMPDIR: folder };
  return execFileSync(tool as string, [...options, path], {
    encoding: "utf8",
    env,
    timeout: 240_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

if (tool === undefined) console.log("SKIP: no Go with its pprof built here; the files were only decoded");
else {
  test("go tool pprof opens them: -top and -peek give the JSON's counts", () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-pprof-"));
    try {
      const holders = goSays(folder, hotProfile(), "mutex", "-top", "-unit=ns");
      assert.match(holders, "Type: delay");
      assert.match(holders, /2944000000ns .* increment$/m);
      assert.match(holders, /256000000ns .* report$/m);
      const counts = goSays(folder, hotProfile(), "block", "-top", "-sample_index=contentions");
      assert.match(counts, "accounting for 6280, 100% of 6280 total");
      assert.match(counts, /^ +6000 .* increment$/m);
      assert.match(counts, /^ +200 .* report$/m);
      const callers = goSays(folder, hotProfile(), "mutex", "-peek=increment", "-sample_index=contentions");
      assert.match(callers, /5800 +100% +\| +main/);
      const tags = goSays(folder, hostileProfile(), "block", "-tags", "-sample_index=contentions");
      assert.match(tags, "lock: Total 24");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test.run();
