// A plan's process: started in a process group of its own with two sockets as its output, so that nothing of it passes the
// main thread, and ended with all that it started.

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number;
  readonly exit: Promise<Exit>;
  /** Sends a signal to the process and to what it started. */
  kill(signal: NodeJS.Signals): void;
}

/** Starts the command; rejects if it can't be started. This process's ends of the sockets are closed in any case. */
export async function startChild(command: readonly string[], stdout: Socket, stderr: Socket): Promise<Child> {
  try {
    const child = spawn(command[0], command.slice(1), { detached: true, stdio: ["ignore", stdout, stderr] });
    const exit = new Promise<Exit>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
    await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    // From here on an error is a signal that could not be sent: the process is gone.
    child.on("error", () => {});
    return { pid: child.pid as number, exit, kill: (signal) => killGroup(child, signal) };
  } finally {
    stdout.destroy();
    stderr.destroy();
  }
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-(pid as number), signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
