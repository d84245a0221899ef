// Texts from thread to thread, in a fixed number of rounds: throughput of a channel, the way there and back over two, and
// one thread that tells all others. Receivers add up what they get, so that a lost or torn text shows.

import { type Channel, makeBroadcast, makeChannel, openBroadcast, openChannel } from "../rivals/channels.ts";
import type { Prepared, Task } from "../task.ts";

/** [0]: sum over the texts sent; [16]: over those received; [32]: entries that readers missed. */
type Sums = Int32Array;

function sums(): Sums {
  return new Int32Array(new SharedArrayBuffer(256));
}

function checked(words: Sums): Prepared["verdict"] {
  return () => (words[0] === words[16] ? undefined : "what was received is not what was sent");
}

/** Texts of `size` characters that begin with different ones. */
function textsOf(size: number): string[] {
  return Array.from({ length: 64 }, (_, k) => String.fromCharCode(48 + k).padEnd(size, "abcdefghij"));
}

export const throughputTask: Task = {
  async prepare({ subject, workers, params }) {
    const words = sums();
    const ends = await makeChannel(subject, workers >> 1, params.size);
    const give: Prepared["give"] = (seat) => {
      const { data, transfer } = ends.give(seat);
      return { data: { end: data, words }, transfer };
    };
    return { fixedRounds: true, give, verdict: checked(words) };
  },
  async open(data, { subject, params }, seat) {
    const { end, words } = data as { end: unknown; words: Sums };
    const channel = await openChannel(subject, end, seat);
    const run = seat % 2 === 0 ? sender(channel, textsOf(params.size), words) : receiver(channel, words);
    return { batch: 0, run };
  },
};

function sender(channel: Channel, texts: readonly string[], words: Sums): (rounds: number) => number {
  return (rounds) => {
    let sum = 0;
    for (let k = 0; k < rounds; k++) {
      const text = texts[k & 63];
      channel.send(text);
      sum += text.charCodeAt(0) + text.length;
    }
    Atomics.add(words, 0, sum);
    return rounds;
  };
}

function receiver(channel: Channel, words: Sums): (rounds: number) => number | Promise<number> {
  const add = (sum: number): number => {
    Atomics.add(words, 16, sum);
    return 0;
  };
  const now = (rounds: number): number => {
    let sum = 0;
    for (let k = 0; k < rounds; k++) {
      const text = channel.receive() as string;
      sum += text.charCodeAt(0) + text.length;
    }
    return add(sum);
  };
  const later = async (rounds: number): Promise<number> => {
    let sum = 0;
    for (let k = 0; k < rounds; k++) {
      const got = channel.receive();
      const text = typeof got === "string" ? got : await got;
      sum += text.charCodeAt(0) + text.length;
    }
    return add(sum);
  };
  return channel.asynchronous ? later : now;
}

/** Two threads and two channels; an operation is there and back. */
export const roundTripTask: Task = {
  async prepare({ subject }) {
    const [there, back] = [await makeChannel(subject, 1, 32), await makeChannel(subject, 1, 32)];
    const give: Prepared["give"] = (seat) => {
      // The one that sends there receives on the way back.
      const [first, second] = [there.give(seat), back.give(1 - seat)];
      const transfer = [...(first.transfer ?? []), ...(second.transfer ?? [])];
      return { data: [first.data, second.data], transfer };
    };
    return { fixedRounds: true, give, verdict: () => undefined };
  },
  async open(data, { subject }, seat, waits) {
    const [first, second] = data as unknown[];
    const [there, back] = [await openChannel(subject, first, seat), await openChannel(subject, second, 1 - seat)];
    const [text] = textsOf(20);
    const trips = async (rounds: number): Promise<number> => {
      for (let k = 0; k < rounds; k++) {
        const begun = performance.now();
        if (seat === 0) there.send(text);
        const got = seat === 0 ? back.receive() : there.receive();
        if (typeof got !== "string") await got;
        if (seat === 0) waits.add(performance.now() - begun);
        else back.send(text);
      }
      return seat === 0 ? rounds : 0;
    };
    return { batch: 0, run: trips };
  },
};

/** Seat 0 tells all others; an operation is a text, however many hear it. */
export const broadcastTask: Task = {
  async prepare({ subject }) {
    const data = { end: await makeBroadcast(subject, "all"), words: sums() };
    return { fixedRounds: true, give: () => ({ data }), verdict: () => undefined };
  },
  async open(data, { subject, params }, seat) {
    const { end, words } = data as { end: unknown; words: Sums };
    const broadcast = openBroadcast(subject, end);
    const texts = textsOf(params.size);
    return {
      batch: 0,
      run: async (rounds) => {
        if (seat !== 0) {
          Atomics.add(words, 32, await broadcast.receive(rounds));
          return 0;
        }
        for (let k = 0; k < rounds; k++) broadcast.send(texts[k & 63]);
        return rounds;
      },
    };
  },
};

/** Two threads and two broadcasts of one listener each; an operation is there and back, each time from an append to its read. */
export const broadcastTripTask: Task = {
  async prepare({ subject }) {
    const data = [await makeBroadcast(subject, "there"), await makeBroadcast(subject, "back")];
    return { fixedRounds: true, give: () => ({ data }), verdict: () => undefined };
  },
  async open(data, { subject }, seat, waits) {
    const ends = (data as unknown[]).map((end) => openBroadcast(subject, end));
    const [mine, other] = seat === 0 ? ends : ends.reverse();
    const [text] = textsOf(20);
    const trips = async (rounds: number): Promise<number> => {
      let missed = 0;
      for (let k = 0; k < rounds; k++) {
        const begun = performance.now();
        if (seat === 0) mine.send(text);
        const heard = other.receive(1);
        missed += typeof heard === "number" ? heard : await heard;
        if (seat === 0) waits.add(performance.now() - begun);
        else mine.send(text);
      }
      if (missed !== 0) throw new Error(`${missed} texts were missed`);
      return seat === 0 ? rounds : 0;
    };
    return { batch: 0, run: trips };
  },
};
