// The log of runs, one file that all threads write to: `TIME  WHO  WHAT`, one line each.
//
// Invariant: no line is torn and no two are mixed. A line is written by one append, under one mutex of the region. A
// writer that is killed in the middle leaves half a line and a mutex whose owner died: whoever takes it over ends that
// line first. So does the next run, should the whole process have died. The mutex is the last that a thread takes:
// nothing else is acquired while it is held.

import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { FileError } from "../../src/cells/errors.ts";
import { Mutex, type MutexHandle } from "../../src/locks/mutex.ts";
import type { Region } from "../../src/region/region.ts";
import { explainFileError } from "../../src/systems/atomic-write-files.ts";

export interface RunLogHandle {
  readonly file: string;
  readonly mutex: MutexHandle;
}

/** The last line of a run that came to its end. */
const FINISHED = /^\S+ +main +finished:/;
/** More than a last line takes, unless a file's name is in it. */
const TAIL_BYTES = 1024;
const NEWLINE = 10;

/** What would break a line, or a terminal that shows it. */
const control = /[\p{Cc}\u2028\u2029]+/gu;

function tailOf(descriptor: number): Buffer {
  const { size } = fstatSync(descriptor);
  const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
  readSync(descriptor, tail, 0, tail.length, size - tail.length);
  return tail;
}

function append(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  // One write in all but name: only a disk that is full takes less.
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}

/** Ends the half line that a killed writer left. */
function endHalfLine(descriptor: number): void {
  const tail = tailOf(descriptor);
  if (tail.length > 0 && tail[tail.length - 1] !== NEWLINE) append(descriptor, " … (its writer was killed)\n");
}

/** The log as one thread sees it. Calls block for another thread's line, and for the disk. */
export class RunLog {
  readonly #file: string;
  readonly #mutex: Mutex;
  readonly #who: string;

  private constructor(file: string, mutex: Mutex, who: string) {
    this.#file = file;
    this.#mutex = mutex;
    this.#who = who.padEnd(10);
  }

  /**
   * Opens the log for a run: anew if the last one came to its end, else behind what that one wrote.
   * @returns the log, and whether an earlier run broke off.
   * @throws FileError where it can't be written.
   */
  static start(file: string, region: Region): { log: RunLog; resumed: boolean } {
    const log = new RunLog(file, new Mutex({ region }), "main");
    let resumed = false;
    log.#open("a+", (descriptor) => {
      // Of the whole tail, not of its first line: a tail that happens to begin at a line's end has an empty one.
      const tail = tailOf(descriptor).toString().trim();
      resumed = tail !== "" && !FINISHED.test(tail.slice(tail.lastIndexOf("\n") + 1));
    });
    if (resumed) log.#open("a+", endHalfLine);
    else log.#open("w", () => {});
    return { log, resumed };
  }

  /** The same log in another thread, whose lines begin with `who`. */
  static from({ file, mutex }: RunLogHandle, who: string): RunLog {
    return new RunLog(file, Mutex.from(mutex), who);
  }

  share(): RunLogHandle {
    return { file: this.#file, mutex: this.#mutex.share() };
  }

  /** Writes a line; line breaks in it become blanks. @throws FileError where it can't be written. */
  write(what: string): void {
    const line = `${new Date().toISOString()}  ${this.#who}  ${what.replace(control, " ")}\n`;
    let torn = false;
    const recover = (): void => {
      torn = true;
    };
    this.#mutex.withLock(
      () =>
        this.#open("a+", (descriptor) => {
          if (torn) endHalfLine(descriptor);
          append(descriptor, line);
        }),
      { recover },
    );
  }

  /** The last line of a run: the next one begins a new log. */
  finish(what: string): void {
    this.write(`finished: ${what}`);
  }

  #open(flags: string, work: (descriptor: number) => void): void {
    try {
      const descriptor = openSync(this.#file, flags);
      try {
        work(descriptor);
      } finally {
        closeSync(descriptor);
      }
    } catch (cause) {
      const reason = String((cause as NodeJS.ErrnoException).code ?? "");
      const message = `cannot write ${this.#file}: ${explainFileError(cause)}`;
      throw new FileError("ERR_FILE_WRITE", message, { path: this.#file, reason }, { cause });
    }
  }
}
