// The tasks by name.

import type { Task } from "../task.ts";
import { mutexTask } from "./mutex.ts";
import { rwTask } from "./rw.ts";
import { broadcastTask, broadcastTripTask, roundTripTask, throughputTask } from "./sending.ts";
import { barrierTask, bufferTask, handoffTask, semaphoreTask, turnsTask, wakeAllTask } from "./waiting.ts";

const tasks: Readonly<Record<string, Task>> = {
  mutex: mutexTask,
  rw: rwTask,
  semaphore: semaphoreTask,
  handoff: handoffTask,
  turns: turnsTask,
  "wake all": wakeAllTask,
  buffer: bufferTask,
  barrier: barrierTask,
  throughput: throughputTask,
  "round trip": roundTripTask,
  broadcast: broadcastTask,
  "broadcast trip": broadcastTripTask,
};

export function taskOf(name: string): Task {
  const task = tasks[name];
  if (task === undefined) throw new RangeError(`no task ${name}`);
  return task;
}
