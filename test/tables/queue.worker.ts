// A producer or consumer of a queue; what it does is told by its workerData.

import { setTimeout as delay } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import { HoldfastError } from "../../src/cells/errors.ts";
import { type QueueHandle, SharedQueue } from "../../src/tables/queue.ts";
import { data, finish, step } from "../support/watchdog.ts";

interface Input {
  readonly task: string;
  readonly queue: QueueHandle;
  /** Values that a producer pushes. */
  readonly rounds: number;
  readonly producers: number;
  /** How often each value was seen: a byte for each, by producer and number. */
  readonly seen: SharedArrayBuffer;
  /** Word 2 × index: operations begun; the next one: operations done. */
  readonly progress: SharedArrayBuffer;
  readonly asynchronous: boolean;
}

const { task, queue: handle, rounds, producers, seen, progress, asynchronous, index } = data<Input>();
const queue = SharedQueue.from(handle);
const marks = new Uint8Array(seen);
const cells = new Int32Array(progress);

/** Values of many lengths, text and bytes, that say who pushed them and when. */
function valueOf(producer: number, number: number): string | Uint8Array {
  const text = `${producer}:${number}:${"x".repeat((number * 37) % 90)}`;
  return number % 3 === 0 ? new TextEncoder().encode(text) : text;
}

function parse(value: string | Uint8Array): [number, number] {
  const [producer, number, rest] = (typeof value === "string" ? value : new TextDecoder().decode(value)).split(":");
  if (rest !== "x".repeat((Number(number) * 37) % 90)) throw new Error(`half a value: ${producer}:${number}:${rest}`);
  return [Number(producer), Number(number)];
}

async function produce(): Promise<number> {
  for (let number = 0; number < rounds; number++) {
    step(`push ${number}`);
    Atomics.store(cells, 2 * index, number + 1);
    const value = valueOf(index, number);
    if (asynchronous) await queue.pushAsync(value);
    else queue.push(value);
    Atomics.store(cells, 2 * index + 1, number + 1);
  }
  return rounds;
}

async function consume(): Promise<number> {
  const last = new Int32Array(producers).fill(-1);
  for (let taken = 0; ; taken++) {
    step(`pop ${taken}`);
    Atomics.store(cells, 2 * index, taken + 1);
    const value = asynchronous ? await queue.popAsync() : queue.pop();
    if (value === undefined) return taken;
    const [producer, number] = parse(value);
    if (number <= last[producer]) throw new Error(`producer ${producer}: ${number} after ${last[producer]}`);
    last[producer] = number;
    Atomics.add(marks, producer * rounds + number, 1);
    Atomics.store(cells, 2 * index + 1, taken + 1);
  }
}

/** Only a wait keeps this worker alive: it ends by itself afterwards. */
async function linger(): Promise<unknown> {
  parentPort?.postMessage("waiting");
  const first = await queue.popAsync();
  let code = "";
  await queue.popAsync({ timeout: 20 }).catch((error: unknown) => {
    code = error instanceof HoldfastError ? error.code : String(error);
  });
  const abort = new AbortController();
  const aborted = queue.popAsync({ signal: abort.signal }).catch((error: unknown) => error);
  await delay(1);
  abort.abort("aborted");
  return [first, code, await aborted];
}

function block(): unknown {
  parentPort?.postMessage("waiting");
  return queue.pop();
}

function blockPush(): unknown {
  parentPort?.postMessage("waiting");
  try {
    queue.push("more");
    return "pushed";
  } catch (error) {
    return error instanceof HoldfastError ? error.code : String(error);
  }
}

if (task === "produce" || task === "consume") parentPort?.postMessage("begun");
const tasks: Record<string, () => unknown> = { produce, consume, linger, block, blockPush };
finish(await tasks[task]());
