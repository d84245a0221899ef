// The plan that the pipeline runs: a real child process that takes its steps, one line each, and says now and then what
// went wrong. `--fail N` ends it with code N after its steps, `--linger MS` leaves a child behind that keeps its output
// open and goes on writing, as programs do that start others.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "10" },
    delay: { type: "string", default: "100" },
    fail: { type: "string", default: "0" },
    linger: { type: "string", default: "0" },
  },
});
const steps = Number(values.steps);
const delay = Number(values.delay);

for (let step = 1; step <= steps; step++) {
  console.log(`step ${step} of ${steps}`);
  if (step % 4 === 0) console.error(`step ${step} took a second try`);
  if (delay > 0) await sleep(delay);
}
if (Number(values.linger) > 0) {
  const chatter = `process.send("begun"); process.once("disconnect", () => 0); setInterval(() => process.stdout.write("still here\\n"), 5); setTimeout(process.exit, ${Number(values.linger)})`;
  const child = spawn(process.execPath, ["-e", chatter], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  // It writes by the time that this process ends.
  await once(child, "message");
  child.disconnect();
  child.unref();
}
process.exitCode = Number(values.fail);
