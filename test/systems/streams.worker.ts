// A thread that publishes to, reads, ends or removes streams; what it does is told by its workerData.

import { parentPort } from "node:worker_threads";
import { Barrier, type BarrierHandle } from "../../src/locks/barrier.ts";
import { Event, type EventHandle } from "../../src/locks/event.ts";
import { type Stream, StreamRegistry, type StreamRegistryHandle } from "../../src/systems/streams.ts";
import { data, finish, step } from "../support/watchdog.ts";

interface Input {
  readonly task: string;
  readonly registry: StreamRegistryHandle;
  readonly generation: number;
  readonly rounds: number;
  readonly barrier: BarrierHandle;
  readonly ended: EventHandle;
}

const input = data<Input>();
const registry = StreamRegistry.from(input.registry);

function attached(): Stream {
  const stream = registry.attach(input.generation);
  if (stream === undefined) throw new Error(`no stream ${input.generation}`);
  return stream;
}

function publish(): void {
  const stream = attached();
  for (let number = 0; number < input.rounds; number++) {
    step(`publish ${number}`);
    if (stream.publish(`${input.index}:${number}`) === undefined) throw new Error("it has ended");
  }
}

/** Leaves and comes back after every 50 events, and reports all that it saw. */
async function read(): Promise<{ texts: string[]; ended: boolean }> {
  const texts: string[] = [];
  let position = 0;
  for (;;) {
    const subscription = attached().subscribe({ from: position });
    if (subscription === undefined) throw new Error("the stream is gone");
    using held = subscription;
    for (let count = 0; count < 50 && !held.ended; count++) {
      step(`read ${held.position}`);
      const event = await held.next();
      if (event !== undefined && event.position !== texts.push(event.text) - 1) throw new Error(`at ${event.position}`);
    }
    position = held.position;
    if (held.ended) return { texts, ended: held.ended };
  }
}

/** All at once, `rounds` times: how often it was this thread that did it. */
function compete(act: (round: number) => boolean): number {
  const barrier = Barrier.from(input.barrier);
  let won = 0;
  for (let round = 0; round < input.rounds; round++) {
    step(`round ${round}`);
    barrier.wait();
    if (act(round)) won++;
  }
  return won;
}

/** Holds the stream, or owns one, until it is killed. */
function linger(): void {
  if (input.task === "own") registry.open("orphan")?.publish("begun");
  else attached().subscribe();
  parentPort?.postMessage("begun");
  Event.from(input.ended).wait();
}

/** Publishes to a stream that was ended and removed since it was attached. */
function late(): unknown {
  const stream = attached();
  parentPort?.postMessage("attached");
  Event.from(input.ended).wait();
  return { published: stream.publish("late"), ended: stream.end("late"), subscribed: stream.subscribe() };
}

const tasks: Record<string, () => unknown> = {
  publish,
  read,
  late,
  own: linger,
  hold: linger,
  open: () => compete((round) => registry.open(`key ${round}`) !== undefined),
  end: () => compete((round) => registry.find(`key ${round}`)?.end("over") === true),
  remove: () => compete((round) => registry.find(`key ${round}`)?.remove() === true),
};
finish(await tasks[input.task]());
