#!/usr/bin/env node
// `npx holdfast profile -- node app.js`: runs an application with the contention profiler and shows what it found;
// `npx holdfast watch -- node app.js` serves it as a live page meanwhile. The application's own exit code is the program's.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { DEFAULTS, parseTime, type Settings } from "./settings.ts";
import { showProfile } from "./show.ts";

const USAGE = `holdfast profile [options] -- node app.js [arguments]
holdfast watch [options] -- node app.js [arguments]

Runs the application, records which of its locks are waited for, how long and by whom, and writes to a folder:
profile.json, report.html (open it in a browser), mutex.pb.gz and block.pb.gz (go tool pprof, speedscope), trace.json
(Perfetto), metrics.prom (Prometheus). A summary goes to standard error. The application's code needs no change; its exit
code is this program's. "watch" also serves a live page while the application runs, and prints its address; it comes from
the application's main thread, so it stands still while that thread computes or blocks.

  --out DIR           the folder; default ${DEFAULTS.out}
  --threshold TIME    waits shorter than that have no call site, as 50us or 1ms; default ${DEFAULTS.threshold}ms
  --sample-every N    one of so many waits above the threshold has one; default ${DEFAULTS.sampleEvery}
  --every TIME        write the profile so far every so often, as 10s
  --signal NAME       write it at this signal too, as SIGUSR2
  --port N            of the live page of "holdfast watch", on the loopback address only; default: any free one
  --quiet             no summary
  --help              this text
`;

class UsageError extends Error {}

interface Order {
  readonly settings: Settings;
  readonly quiet: boolean;
  readonly command: readonly string[];
}

/** What the command line asks for; undefined: for the usage. */
function readOrder(args: readonly string[]): Order | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: "string", default: DEFAULTS.out },
      threshold: { type: "string", default: `${DEFAULTS.threshold}ms` },
      "sample-every": { type: "string", default: String(DEFAULTS.sampleEvery) },
      every: { type: "string" },
      signal: { type: "string" },
      port: { type: "string" },
      quiet: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help || args.length === 0) return undefined;
  const [task, ...command] = positionals;
  if (task !== "profile" && task !== "watch") {
    throw new UsageError(`there is no "holdfast ${task}", only "holdfast profile" and "holdfast watch"`);
  }
  if (command.length === 0) throw new UsageError(`what is to be run? holdfast ${task} -- node app.js`);
  const sampleEvery = Number(values["sample-every"]);
  if (!Number.isInteger(sampleEvery) || sampleEvery < 1) throw new UsageError("--sample-every takes a whole number");
  if (values.signal !== undefined && !(values.signal in constants.signals)) {
    throw new UsageError(`--signal takes the name of a signal, not "${values.signal}"`);
  }
  const port = Number(values.port ?? 0);
  if (values.port !== undefined && task !== "watch") throw new UsageError('--port is an option of "holdfast watch"');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError("--port takes a number, 0 to 65535");
  const settings = {
    watchPort: task === "watch" ? port : undefined,
    out: resolve(values.out),
    threshold: parseTime("threshold", values.threshold),
    sampleEvery,
    everyMs: values.every === undefined ? undefined : Math.max(1, parseTime("every", values.every)),
    signal: values.signal,
    parent: process.pid,
  };
  return { settings, quiet: values.quiet, command };
}

/** Runs the command with the profiler loaded first; its exit code, that of a shell (128 and more) if a signal ended it. */
function run({ command, settings }: Order): Promise<number> {
  const preload = new URL("./preload.js", import.meta.url).href;
  const env = {
    ...process.env,
    HOLDFAST_PROFILE: JSON.stringify(settings),
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ""} --import=${preload}`.trim(),
  };
  return new Promise((done, fail) => {
    const child = spawn(command[0], command.slice(1), { stdio: "inherit", env });
    // A terminal sends Ctrl-C to both: the application decides what it means, and its profile is shown after it.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
      });
    }
    child.once("error", fail);
    child.once("exit", (code, signal) => done(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
  });
}

async function main(): Promise<number> {
  let order: Order | undefined;
  try {
    order = readOrder(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`holdfast: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (order === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  let code = 127;
  try {
    code = await run(order);
  } catch (error) {
    process.stderr.write(`holdfast profile: ${order.command[0]} could not be run: ${(error as Error).message}\n`);
    return code;
  }
  try {
    showProfile(order.settings.out, order.quiet);
  } catch (error) {
    process.stderr.write(`holdfast profile: ${(error as Error).message}\n`);
    // The application's failure is what matters more.
    return code === 0 ? 1 : code;
  }
  return code;
}

process.exitCode = await main();
