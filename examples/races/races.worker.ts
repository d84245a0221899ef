// A worker of the pool: runs the body of one story after another.
import { parentPort } from "node:worker_threads";
import type { Order, Reply } from "./pool.ts";
import { receiveState } from "./sharing.ts";
import { Turn } from "./steering.ts";
import { stories } from "./stories/index.ts";
import type { Context } from "./story.ts";

function die(): never {
  reply({ dies: true });
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function reply(message: Reply): void {
  parentPort?.postMessage(message);
}

parentPort?.on("message", ({ id, variant, state, control, index }: Order) => {
  const story = stories.find((it) => it.id === id);
  const turn = new Turn(control, index);
  const context: Context = { index, die, meet: () => turn.meet(), step: (name, take) => turn.step(name, take) };
  try {
    if (story === undefined) throw new TypeError(`there is no story ${id}`);
    turn.meet();
    reply({ value: story[variant](receiveState(state), context) });
  } catch (error) {
    const { name, message, stack = "" } = error as Error;
    reply({ error: { name, message, stack } });
  }
});
reply({ ready: true });
