// Tasks of threads that wait for each other, in a fixed number of rounds: a semaphore under contention, handing over
// (ping-pong), waking many, a bounded buffer, a barrier.

import { MessageChannel, type MessagePort } from "node:worker_threads";
import { barriers, monitors, type Permits, semaphores } from "../rivals/monitors.ts";
import { type Job, type Task, type Waits, workFor } from "../task.ts";

const fine = (): undefined => undefined;

function cells(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(256));
}

/** So many permits, and work inside; more inside than permits ends the worker. */
export const semaphoreTask: Task = {
  async prepare({ subject, params }) {
    const data = { semaphore: await semaphores.make(subject, params.permits), inside: cells() };
    return {
      fixedRounds: false,
      give: () => ({ data }),
      verdict: () => (data.inside[0] === 0 ? undefined : "permits were lost"),
    };
  },
  async open(data, { subject, params }, _seat, waits) {
    const { semaphore: given, inside } = data as { semaphore: unknown; inside: Int32Array };
    const semaphore = await semaphores.open(subject, given);
    const { steps, permits } = params;
    return {
      batch: steps > 250 ? 4 : 64,
      run: (count) => {
        for (let k = 0; k < count; k++) {
          const begun = k === 0 ? performance.now() : 0;
          semaphore.acquire();
          if (k === 0) waits.add(performance.now() - begun);
          if (Atomics.add(inside, 0, 1) >= permits) throw new Error("more inside than permits");
          workFor(steps);
          Atomics.sub(inside, 0, 1);
          semaphore.release();
          workFor(steps);
        }
        return count;
      },
    };
  },
};

/** Two threads hand over to each other; an operation is there and back. */
export const handoffTask: Task = {
  async prepare({ subject }) {
    if (subject === "postMessage") {
      const { port1, port2 } = new MessageChannel();
      const ports = [port1, port2];
      const give = (seat: number) => ({ data: ports[seat], transfer: [ports[seat]] });
      return { fixedRounds: true, give, verdict: fine };
    }
    const bare = subject === "floor-js";
    const data = bare ? cells() : [await semaphores.make(subject, 0), await semaphores.make(subject, 0)];
    return { fixedRounds: true, give: () => ({ data }), verdict: fine };
  },
  async open(data, { subject }, seat, waits) {
    if (subject === "postMessage") return messagePingPong(data as MessagePort, seat, waits);
    if (subject === "floor-js") return pingPong(bareFlags(data as Int32Array), seat, waits);
    const pair = await Promise.all((data as unknown[]).map((one) => semaphores.open(subject, one)));
    return pingPong(pair, seat, waits);
  },
};

/** The least there is: a flag to sleep on, for one thread that sleeps and one that wakes. */
function bareFlags(words: Int32Array): Permits[] {
  return [0, 32].map((at) => ({
    acquire: () => {
      while (Atomics.exchange(words, at, 0) === 0) Atomics.wait(words, at, 0);
    },
    release: () => {
      Atomics.store(words, at, 1);
      Atomics.notify(words, at, 1);
    },
  }));
}

function pingPong([there, back]: Permits[], seat: number, waits: Waits): Job {
  return {
    batch: 0,
    run: (rounds) => {
      for (let k = 0; k < rounds; k++) {
        if (seat === 0) {
          const begun = performance.now();
          there.release();
          back.acquire();
          waits.add(performance.now() - begun);
        } else {
          there.acquire();
          back.release();
        }
      }
      return seat === 0 ? rounds : 0;
    },
  };
}

function messagePingPong(port: MessagePort, seat: number, waits: Waits): Job {
  const next = (): Promise<unknown> => new Promise((resolve) => port.once("message", resolve));
  return {
    batch: 0,
    run: async (rounds) => {
      for (let k = 0; k < rounds; k++) {
        const begun = performance.now();
        const answer = next();
        if (seat === 0) port.postMessage(k);
        await answer;
        if (seat === 0) waits.add(performance.now() - begun);
        else port.postMessage(k);
      }
      return seat === 0 ? rounds : 0;
    },
  };
}

/** Words that the tasks over monitors share; plain ones, since the lock guards them. */
const TURN = 0;
const COUNT = 16;

interface Guarded {
  readonly monitor: unknown;
  readonly words: Int32Array;
}

async function guarded(subject: string): Promise<Guarded> {
  return { monitor: await monitors.make(subject, 0), words: cells() };
}

/** Two threads take turns under a lock; an operation is there and back. */
export const turnsTask: Task = {
  async prepare({ subject }) {
    const data = await guarded(subject);
    return { fixedRounds: true, give: () => ({ data }), verdict: fine };
  },
  async open(data, { subject }, seat, waits) {
    const { monitor: given, words } = data as Guarded;
    const monitor = await monitors.open(subject, given);
    return {
      batch: 0,
      run: (rounds) => {
        for (let k = 0; k < rounds; k++) {
          const begun = performance.now();
          monitor.lock();
          while (words[TURN] !== seat) monitor.wait(seat);
          words[TURN] = 1 - seat;
          monitor.notify(1 - seat);
          monitor.unlock();
          if (seat === 0) waits.add(performance.now() - begun);
        }
        return seat === 0 ? rounds : 0;
      },
    };
  },
};

/** One thread wakes all others, and waits until they all wait again; an operation is one such round. */
export const wakeAllTask: Task = {
  async prepare({ subject }) {
    const data = await guarded(subject);
    return { fixedRounds: true, give: () => ({ data }), verdict: fine };
  },
  async open(data, { subject, workers }, seat, waits) {
    const { monitor: given, words } = data as Guarded;
    const monitor = await monitors.open(subject, given);
    const wakeOthers = (): void => {
      const begun = performance.now();
      monitor.lock();
      while (words[COUNT] !== workers - 1) monitor.wait(1);
      words[COUNT] = 0;
      words[TURN] += 1;
      monitor.notifyAll(0);
      monitor.unlock();
      waits.add(performance.now() - begun);
    };
    const beWoken = (): void => {
      monitor.lock();
      words[COUNT] += 1;
      if (words[COUNT] === workers - 1) monitor.notify(1);
      for (const turn = words[TURN]; words[TURN] === turn; ) monitor.wait(0);
      monitor.unlock();
    };
    return {
      batch: 0,
      run: (rounds) => {
        for (let k = 0; k < rounds; k++) {
          if (seat === 0) wakeOthers();
          else beWoken();
        }
        return seat === 0 ? rounds : 0;
      },
    };
  },
};

const BUFFER = 16;

/** Producers (even seats) and consumers over a buffer of 16 places under one lock; an operation is an item. */
export const bufferTask: Task = {
  async prepare({ subject }) {
    const data = await guarded(subject);
    const verdict = (): string | undefined => (data.words[COUNT] === 0 ? undefined : "items are left over");
    return { fixedRounds: true, give: () => ({ data }), verdict };
  },
  async open(data, { subject }, seat) {
    const { monitor: given, words } = data as Guarded;
    const monitor = await monitors.open(subject, given);
    const produces = seat % 2 === 0;
    return {
      batch: 0,
      run: (rounds) => {
        for (let k = 0; k < rounds; k++) {
          monitor.lock();
          if (produces) {
            while (words[COUNT] === BUFFER) monitor.wait(0);
            words[COUNT] += 1;
            monitor.notify(1);
          } else {
            while (words[COUNT] === 0) monitor.wait(1);
            words[COUNT] -= 1;
            monitor.notify(0);
          }
          monitor.unlock();
        }
        return produces ? rounds : 0;
      },
    };
  },
};

/** All meet, again and again; an operation is one meeting. */
export const barrierTask: Task = {
  async prepare({ subject, workers }) {
    const data = await barriers.make(subject, workers);
    return { fixedRounds: true, give: () => ({ data }), verdict: fine };
  },
  async open(data, { subject }, seat, waits) {
    const barrier = await barriers.open(subject, data);
    return {
      batch: 0,
      run: (rounds) => {
        for (let k = 0; k < rounds; k++) {
          const begun = performance.now();
          barrier.wait();
          waits.add(performance.now() - begun);
        }
        return seat === 0 ? rounds : 0;
      },
    };
  },
};
