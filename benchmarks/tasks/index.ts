// The tasks by name.

import type { Task } from "../task.ts";
import { mutexTask } from "./mutex.ts";

const tasks: Readonly<Record<string, Task>> = { mutex: mutexTask };

export function taskOf(name: string): Task {
  const task = tasks[name];
  if (task === undefined) throw new RangeError(`no task ${name}`);
  return task;
}
