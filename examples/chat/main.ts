// Starts the chat on loopback and prints its address: npm run example:chat [-- --port N --workers N]
import { parseArgs } from "node:util";
import { startChat } from "./server.ts";

const { values } = parseArgs({ options: { port: { type: "string" }, workers: { type: "string" } } });

function count(text: string | undefined, name: string, fallback: number, least: number): number {
  const number = text === undefined ? fallback : Number(text);
  if (Number.isInteger(number) && number >= least && number < 65_536) return number;
  process.stderr.write(`--${name} must be a whole number of at least ${least}\n`);
  process.exit(2);
}

const chat = await startChat({
  port: count(values.port, "port", 8004, 0),
  workers: count(values.workers, "workers", 4, 1),
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
