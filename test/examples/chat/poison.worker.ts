// A handlers' thread that dies of some events, as a defect in a handler's native code would have it: at every try, or at
// the first one only.
import { parentPort } from "node:worker_threads";
import type { Notice, Task } from "../../../examples/chat/chat.worker.ts";

const tell = (notice: Notice): void => parentPort?.postMessage(notice);

parentPort?.on("message", (task: Task) => {
  if (task.again) tell({ kind: "begun", id: task.id });
  const text = task.kind === "frame" ? task.text : "";
  if (text === "deadly" || (text === "deadly once" && task.again === undefined)) process.exit(1);
  tell({ kind: "send", clients: [task.client], event: "chat_connected", data: { text } });
  tell({ kind: "done", id: task.id });
});
