// Locks of every subject behind the three faces that locks have: a pair of calls, a call with a function, and promises.
//
// Invariant: what is measured of a peer is its own documented way to lock; an adapter adds a call at the most.

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Mutex, Region } from "../../src/index.ts";
import { threeStateFutexLock, twoStateSpinLock } from "./hand-written.ts";
import { arrived, multithreading, sent } from "./multithreading.ts";

export interface PairLock {
  readonly face: "pair";
  lock(): unknown;
  unlock(): void;
}
export interface CallLock {
  readonly face: "call";
  hold(fn: () => void): void;
}
export interface AsyncLock {
  readonly face: "async";
  lock(): Promise<unknown>;
  unlock(): void;
}
export type AnyLock = PairLock | CallLock | AsyncLock;

/** A lock that several workers can open. */
export interface SharedLock {
  give(): { readonly data: unknown; readonly transfer?: readonly MessagePort[] };
}

/** The region of a subject of this package. */
export function regionOf(subject: string, maxByteLength = 1 << 24): Region {
  const parking = subject === "holdfast-native" ? "native" : "atomics";
  return Region.create({ byteLength: 1 << 18, maxByteLength, parking });
}

interface NativeMutexes {
  lock(mutex: object, fn: () => void): void;
}

export async function makeLock(subject: string): Promise<SharedLock> {
  switch (subject) {
    case "holdfast":
    case "holdfast-js":
    case "holdfast-native": {
      const handle = new Mutex({ region: regionOf(subject) }).share();
      return { give: () => ({ data: handle }) };
    }
    case "holdfast (fair)": {
      const handle = new Mutex({ region: regionOf(subject), fair: true }).share();
      return { give: () => ({ data: handle }) };
    }
    case "three-state futex":
    case "two-state spin": {
      const words = new Int32Array(new SharedArrayBuffer(64));
      return { give: () => ({ data: words }) };
    }
    case "multithreading": {
      const { Mutex: Peer } = await multithreading();
      const mutex = new Peer();
      return { give: () => ({ data: sent(mutex) }) };
    }
    case "Atomics.Mutex": {
      const mutex = new (Atomics as unknown as { Mutex: new () => object }).Mutex();
      return { give: () => ({ data: mutex }) };
    }
    case "postMessage":
      return lockServer();
    case "navigator.locks":
      return { give: () => ({ data: undefined }) };
    default:
      throw new RangeError(`no lock of ${subject}`);
  }
}

export async function openLock(subject: string, data: unknown): Promise<AnyLock> {
  switch (subject) {
    case "three-state futex":
      return { face: "pair", ...threeStateFutexLock(data as Int32Array) };
    case "two-state spin":
      return { face: "pair", ...twoStateSpinLock(data as Int32Array) };
    case "multithreading":
      return await openMultithreading(data);
    case "Atomics.Mutex": {
      const { lock } = (Atomics as unknown as { Mutex: NativeMutexes }).Mutex;
      return { face: "call", hold: (fn) => lock(data as object, fn) };
    }
    case "postMessage":
      return lockClient(data as MessagePort);
    case "navigator.locks":
      return webLock();
    default: {
      // The object itself, without a call between.
      const mutex = Mutex.from(data as ReturnType<Mutex["share"]>);
      return Object.assign(mutex, { face: "pair" } as const);
    }
  }
}

async function openMultithreading(data: unknown): Promise<PairLock> {
  const { Mutex: Peer } = await multithreading();
  const mutex = arrived<InstanceType<typeof Peer>>(Peer, data);
  let guard = mutex.blockingLock();
  guard.dispose();
  return {
    face: "pair",
    lock: () => {
      guard = mutex.blockingLock();
    },
    unlock: () => guard.dispose(),
  };
}

/** The thread that made it grants the lock to those who ask, in the order of their messages. */
function lockServer(): SharedLock {
  const waiting: MessagePort[] = [];
  let held = false;
  const grant = (): void => {
    const next = waiting.shift();
    held = next !== undefined;
    next?.postMessage(undefined);
  };
  return {
    give: () => {
      const { port1, port2 } = new MessageChannel();
      port1.on("message", (wants: boolean) => {
        if (wants) waiting.push(port1);
        if (!wants || !held) grant();
      });
      return { data: port2, transfer: [port2] };
    },
  };
}

function lockClient(port: MessagePort): AsyncLock {
  return {
    face: "async",
    lock: () =>
      new Promise((resolve) => {
        port.once("message", resolve);
        port.postMessage(true);
      }),
    unlock: () => port.postMessage(false),
  };
}

/** navigator.locks gives a lock to a callback for as long as its promise is pending. */
function webLock(): AsyncLock {
  const { locks } = (globalThis as unknown as { navigator: { locks: LockManager } }).navigator;
  let release: () => void = () => undefined;
  return {
    face: "async",
    lock: () =>
      new Promise<void>((granted, failed) => {
        const hold = (): Promise<void> => {
          const held = new Promise<void>((resolve) => {
            release = resolve;
          });
          granted();
          return held;
        };
        locks.request("holdfast benchmark", hold).catch(failed);
      }),
    unlock: () => release(),
  };
}
