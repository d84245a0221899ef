// The processes that belong to one test: who is still alive, and how to end all of them.
// Invariant: after killTree() none of them runs. A process belongs if it is in the test's process group, carries the
// test's mark in its environment (a child that opened a session of its own still does), or descends from one that does.
// Without /proc (not Linux) only the process group is known, and leftovers that left it go unseen.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

export interface LivingProcess {
  readonly pid: number;
  /** Command line, arguments separated by blanks; empty where the system does not tell. */
  readonly command: string;
}

const hasProc = existsSync("/proc/self/stat");

interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly marked: boolean;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // The process ended between the listing and this read, or is another user's.
  }
}

function readEntry(pid: number, mark: string): Entry | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  // The second field is the name in parentheses and may hold blanks and parentheses itself: read behind the last one.
  const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ended = state === undefined || state === "" || state === "Z" || state === "X";
  if (ended) return undefined;
  const marked = readText(`/proc/${pid}/environ`).split("\0").includes(mark);
  return { pid, parent: Number(parent), group: Number(group), marked };
}

/**
 * The living processes of a test, this process excepted. Zombies do not count: they run nothing, and where nobody
 * reaps them they stay for ever.
 *
 * @param group process group of the test, the pid of its first process
 * @param mark `NAME=value`, as the test's processes have it in their environment
 */
export function livingProcesses(group: number, mark: string): LivingProcess[] {
  if (!hasProc) return groupLives(group) ? [{ pid: group, command: "" }] : [];
  const entries = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readEntry(Number(name), mark))
    .filter((entry) => entry !== undefined && entry.pid !== process.pid) as Entry[];
  const members = new Set(entries.filter((entry) => entry.marked || entry.group === group).map((entry) => entry.pid));
  for (let before = -1; before !== members.size; ) {
    before = members.size;
    for (const entry of entries) if (members.has(entry.parent)) members.add(entry.pid);
  }
  return [...members].map((pid) => ({
    pid,
    command: readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim(),
  }));
}

/** Ends every process of a test at once, with SIGKILL; returns those that were alive. Blocks for some milliseconds. */
export function killTree(group: number, mark: string): LivingProcess[] {
  const found = new Map<number, LivingProcess>();
  // More than one round: a process may fork between the listing and its death.
  for (let round = 0; round < 5; round++) {
    const living = livingProcesses(group, mark);
    if (living.length === 0) break;
    for (const one of living) {
      found.set(one.pid, one);
      kill(one.pid);
    }
    killGroup(group);
  }
  return [...found.values()];
}

function groupLives(group: number): boolean {
  try {
    process.kill(process.platform === "win32" ? group : -group, 0);
    return true;
  } catch {
    return false;
  }
}

function killGroup(group: number): void {
  if (process.platform !== "win32") return kill(-group);
  try {
    execFileSync("taskkill", ["/pid", String(group), "/t", "/f"], { stdio: "ignore" });
  } catch {
    // Already gone.
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Already gone, or not ours to end.
  }
}
