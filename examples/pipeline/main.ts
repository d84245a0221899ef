// Starts the pipeline's server on loopback and prints its address; Ctrl+C stops it in good order.
//
//   npm run example:pipeline -- [--port N] [--demo N] [--running N] [--database FILE]

import { parseArgs } from "node:util";
import { PipelineServer } from "./server.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    demo: { type: "string", default: "0" },
    running: { type: "string", default: "4" },
    database: { type: "string" },
  },
});

const server = await PipelineServer.start({
  port: Number(values.port),
  maxRunning: Number(values.running),
  database: values.database,
});
console.log(`http://127.0.0.1:${server.port}/`);
for (let number = 1; number <= Number(values.demo); number++) {
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
