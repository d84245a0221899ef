// A writer or reader of a log; what it does is told by its workerData.

import { parentPort } from "node:worker_threads";
import { HoldfastError } from "../../src/cells/errors.ts";
import { type LogHandle, SharedLog } from "../../src/tables/log.ts";
import { data, finish, step } from "../support/watchdog.ts";

interface Input {
  readonly task: string;
  readonly log: LogHandle;
  readonly rounds: number;
  /** Writers whose "end" a reader waits for. */
  readonly writers: number;
  readonly asynchronous: boolean;
}

const { task, log: handle, rounds, writers, asynchronous, index } = data<Input>();
const log = SharedLog.from(handle);

function write(): number {
  parentPort?.postMessage("begun");
  let last = -1;
  for (let number = 0; number < rounds; number++) {
    step(`append ${number}`);
    const text = `${index}:${number}:${"x".repeat((number * 37) % 90)}`;
    const position = log.append(number % 3 === 0 ? new TextEncoder().encode(text) : text);
    if (position <= last) throw new Error(`position ${position} after ${last}`);
    last = position;
  }
  log.append("end");
  return last;
}

/** Reads until it has seen `writers` ends, and checks that each entry is whole and each writer's come in order. */
async function read(): Promise<{ entries: number; lost: number; byWriter: number[] }> {
  const reader = log.reader();
  const whole = reader.position === 0;
  const byWriter: number[] = [];
  let entries = 0;
  for (let ends = 0; ends < writers; ) {
    step(`read ${reader.position}`);
    const position = reader.position;
    const lost = reader.lost;
    const entry = asynchronous ? await reader.readAsync() : reader.read();
    if (reader.position !== position + 1 + reader.lost - lost)
      throw new Error(`from ${position} to ${reader.position}`);
    if (entry === "end") {
      ends++;
      continue;
    }
    const text = typeof entry === "string" ? entry : new TextDecoder().decode(entry);
    const [writer, number, rest] = text.split(":");
    if (rest !== "x".repeat((Number(number) * 37) % 90)) throw new Error(`half an entry: ${text}`);
    const expected = (byWriter[Number(writer)] ?? -1) + 1;
    if (whole && reader.lost === 0 ? Number(number) !== expected : Number(number) < expected) {
      throw new Error(`writer ${writer}: ${number} where ${expected} was due`);
    }
    byWriter[Number(writer)] = Number(number);
    entries++;
  }
  return { entries, lost: reader.lost, byWriter };
}

/** Only a wait keeps this worker alive: it ends by itself afterwards. */
async function linger(): Promise<unknown> {
  const reader = log.reader();
  parentPort?.postMessage("waiting");
  const first = await reader.readAsync();
  const second = await reader.readAsync({ timeout: 20 }).catch((error: unknown) => (error as HoldfastError).code);
  return [first, second];
}

function block(): unknown {
  parentPort?.postMessage("waiting");
  try {
    return log.reader({ from: "newest" }).read();
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}

const tasks: Record<string, () => unknown> = { write, read, linger, block };
finish(await tasks[task]());
