// Starts the chat on loopback and prints its address: npm run example:chat
import { readOptions, wholeNumber } from "../options.ts";
import { startChat } from "./server.ts";

const usage = `Usage: npm run example:chat [-- OPTIONS]
  --port N       where to listen on loopback; 0 takes a free one (default 8004)
  --workers N    threads that share the rooms (default 4)
  --help`;

const { port, workers } = readOptions(usage, {
  port: { type: "string", default: "8004" },
  workers: { type: "string", default: "4" },
});

const chat = await startChat({
  port: wholeNumber("port", port, 0, 65_535, usage),
  workers: wholeNumber("workers", workers, 1, 256, usage),
  tickets: { 7: "ann" },
  demo: { ann: { userId: "ann", name: "Ann" }, bob: { userId: "bob", name: "Bob (support)", isAdmin: true } },
}).catch((error: Error) => {
  process.stderr.write(`The chat can't start: ${error.message}\n`);
  process.exit(1);
});
process.stdout.write(`Two people in one ticket: ${chat.address}\nCtrl-C stops it.\n`);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void chat.close().then(() => process.exit(0)));
}
