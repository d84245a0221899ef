// Starts the pipeline's server on loopback and prints its address; Ctrl+C stops it in good order.
//
//   npm run example:pipeline -- [--port N] [--demo N] [--running N] [--database FILE]

import { readOptions, wholeNumber } from "../options.ts";
import { PipelineServer } from "./server.ts";

const usage = `Usage: npm run example:pipeline [-- OPTIONS]
  --port N         where to listen on loopback (default 0: a free one)
  --demo N         plans to start at once (default 0)
  --running N      plans that run at a time (default 4)
  --database FILE  keeps the plans and their events there (default: nowhere)
  --help`;

const { port, demo, running, database } = readOptions(usage, {
  port: { type: "string", default: "0" },
  demo: { type: "string", default: "0" },
  running: { type: "string", default: "4" },
  database: { type: "string" },
});

const server = await PipelineServer.start({
  port: wholeNumber("port", port, 0, 65_535, usage),
  maxRunning: wholeNumber("running", running, 1, 1000, usage),
  database,
});
const plans = wholeNumber("demo", demo, 0, 10_000, usage);
console.log(`http://127.0.0.1:${server.port}/`);
for (let number = 1; number <= plans; number++) {
  const fail = number % 4 === 0 ? 3 : 0;
  server.pipeline.execute({ id: `demo-${number}`, arguments: ["--steps=40", "--delay=250", `--fail=${fail}`] });
}

let stopping = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (stopping) process.exit(1);
    stopping = true;
    void server.stop().then((inTime) => console.log(inTime ? "stopped" : "stopped; some had to be ended by force"));
  });
}
