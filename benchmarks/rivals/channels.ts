// Ways to send texts between threads, of every subject: queues, logs, messages, and a hand-written ring.

import { BroadcastChannel, MessageChannel, type MessagePort } from "node:worker_threads";
import { type QueueHandle, SharedLog, SharedQueue } from "../../src/tables/index.ts";
import { regionOf } from "./locks.ts";
import { monitors, TEXTBOOK } from "./monitors.ts";
import { arrived, multithreading, sent } from "./multithreading.ts";

export interface Channel {
  send(text: string): unknown;
  receive(): string | Promise<string>;
  /** Whether `receive` gives promises. */
  readonly asynchronous: boolean;
}

export const CAPACITY = 256;

/** Each sender has a channel to a receiver of its own, without a bound: no queue of several consumers. */
export const PAIRS = "postMessage, in pairs";

/** What the senders and the receivers of one channel are given. */
export interface Ends {
  give(seat: number): { readonly data: unknown; readonly transfer?: readonly MessagePort[] };
}

/** A channel between the `pairs` senders, which have the even seats, and as many receivers; `bytes` of a text at the most. */
export async function makeChannel(subject: string, pairs: number, bytes: number): Promise<Ends> {
  if (subject === "postMessage" || subject === PAIRS) return messages(pairs);
  if (subject === "multithreading") {
    const { channel } = await multithreading();
    const [sender, receiver] = channel<string>(CAPACITY);
    // Sending one away spends it.
    return { give: (seat) => ({ data: sent(seat % 2 === 0 ? sender.clone() : receiver.clone()) }) };
  }
  if (subject === "hand-written ring") {
    const ring = { monitor: await monitors.make(TEXTBOOK, 0), state: new Int32Array(new SharedArrayBuffer(64)), bytes };
    const slots = new Uint8Array(new SharedArrayBuffer(CAPACITY * (bytes + 4)));
    return { give: () => ({ data: { ...ring, slots } }) };
  }
  const handle = new SharedQueue({ region: regionOf(subject), capacity: CAPACITY }).share();
  return { give: () => ({ data: handle }) };
}

export async function openChannel(subject: string, data: unknown, seat: number): Promise<Channel> {
  if (subject === "postMessage" || subject === PAIRS) return overPort(data as MessagePort);
  if (subject === "multithreading") return await peerChannel(data, seat);
  if (subject === "hand-written ring") return await ring(data as RingData);
  const queue = SharedQueue.from(data as QueueHandle);
  return { asynchronous: false, send: (text) => queue.push(text), receive: () => queue.pop() as string };
}

function messages(pairs: number): Ends {
  const channels = Array.from({ length: pairs }, () => new MessageChannel());
  return {
    give: (seat) => {
      const { port1, port2 } = channels[seat >> 1];
      const port = seat % 2 === 0 ? port1 : port2;
      return { data: port, transfer: [port] };
    },
  };
}

function overPort(port: MessagePort): Channel {
  const arrivedTexts: string[] = [];
  let next = 0;
  let waiting: ((text: string) => void) | undefined;
  port.on("message", (text: string) => {
    if (waiting === undefined) arrivedTexts.push(text);
    else {
      const resolve = waiting;
      waiting = undefined;
      resolve(text);
    }
  });
  return {
    asynchronous: true,
    send: (text) => port.postMessage(text),
    receive: () => {
      if (next < arrivedTexts.length) return arrivedTexts[next++];
      arrivedTexts.length = 0;
      next = 0;
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
  };
}

async function peerChannel(data: unknown, seat: number): Promise<Channel> {
  const peer = await multithreading();
  const sender = seat % 2 === 0 ? arrived<InstanceType<typeof peer.Sender<string>>>(peer.Sender, data) : undefined;
  const receiver =
    seat % 2 === 1 ? arrived<InstanceType<typeof peer.Receiver<string>>>(peer.Receiver, data) : undefined;
  return {
    asynchronous: false,
    send: (text) => sender?.blockingSend(text),
    receive: () => {
      const got = receiver?.blockingRecv();
      if (got?.ok !== true) throw new Error(`multithreading: ${String(got?.error)}`);
      return got.value;
    },
  };
}

interface RingData {
  readonly monitor: unknown;
  /** [0] texts in the ring, [1] where the first lies. */
  readonly state: Int32Array;
  readonly bytes: number;
  readonly slots: Uint8Array;
}

/** Slots of one size under a textbook lock with two conditions: no values of other sizes, no recovery. */
async function ring({ monitor: given, state, bytes, slots }: RingData): Promise<Channel> {
  const monitor = await monitors.open(TEXTBOOK, given);
  const view = new DataView(slots.buffer);
  return {
    asynchronous: false,
    send: (text) => {
      const payload = Buffer.from(text);
      monitor.lock();
      while (state[0] === CAPACITY) monitor.wait(0);
      const at = ((state[1] + state[0]) % CAPACITY) * (bytes + 4);
      view.setInt32(at, payload.length);
      slots.set(payload, at + 4);
      state[0] += 1;
      monitor.notify(1);
      monitor.unlock();
    },
    receive: () => {
      monitor.lock();
      while (state[0] === 0) monitor.wait(1);
      const at = state[1] * (bytes + 4);
      const copy = Buffer.from(slots.subarray(at + 4, at + 4 + view.getInt32(at)));
      state[1] = (state[1] + 1) % CAPACITY;
      state[0] -= 1;
      monitor.notify(0);
      monitor.unlock();
      return copy.toString();
    },
  };
}

/** One thread tells many. */
export interface Broadcast {
  send(text: string): unknown;
  /** Receives `count` texts, less those that came too late to be kept; how many were missed. */
  receive(count: number): number | Promise<number>;
}

/** `name` tells those of one process apart. */
export async function makeBroadcast(subject: string, name: string): Promise<unknown> {
  if (subject === "BroadcastChannel") return `holdfast benchmark ${process.pid} ${name}`;
  // Room for as many of the longest texts.
  return new SharedLog({ region: regionOf(subject, 1 << 28), capacity: 4096 }).share();
}

export function openBroadcast(subject: string, data: unknown): Broadcast {
  if (subject === "BroadcastChannel") return overBroadcast(new BroadcastChannel(data as string));
  const log = SharedLog.from(data as ReturnType<SharedLog["share"]>);
  const reader = log.reader({ from: "newest" });
  return {
    send: (text) => log.append(text),
    receive: (count) => {
      const before = reader.lost;
      for (const end = reader.position + count; reader.position < end; ) reader.read();
      return reader.lost - before;
    },
  };
}

function overBroadcast(channel: BroadcastChannel): Broadcast {
  let missing = 0;
  let done: (() => void) | undefined;
  channel.onmessage = () => {
    if (--missing === 0) done?.();
  };
  return {
    send: (text) => channel.postMessage(text),
    receive: async (count) => {
      await new Promise<void>((resolve) => {
        missing += count;
        if (missing === 0) resolve();
        else done = resolve;
      });
      return 0;
    },
  };
}
