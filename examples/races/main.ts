// npm run races: every documented hazard, unsafe and safe, on real workers.
import { parseArgs } from "node:util";
import { fullStory, tableHead, tableLine, toJson } from "./report.ts";
import { holds, runStories } from "./run.ts";
import { stories } from "./stories/index.ts";

const usage = `Usage: npm run races [-- OPTIONS]
  --only H5      tell this story in full; several: --only H5,H9
  --runs N       runs of each variant (default 20)
  --json         print the counts as one JSON document, the last line
  --help`;

interface Options {
  readonly chosen: typeof stories;
  readonly runs: number;
  readonly json: boolean;
  readonly full: boolean;
  readonly help: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      runs: { type: "string", default: "20" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const ids = values.only?.toUpperCase().split(",");
  const unknown = ids?.find((id) => !stories.some((story) => story.id === id));
  if (unknown !== undefined) throw new RangeError(`there is no hazard ${unknown}: H1 to H50`);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new RangeError(`--runs must be a number above 0, not ${values.runs}`);
  const chosen = ids === undefined ? stories : stories.filter((story) => ids.includes(story.id));
  return { chosen, runs, json: values.json, full: ids !== undefined, help: values.help };
}

async function main({ chosen, runs, json, full }: Options): Promise<void> {
  const begun = performance.now();
  if (!full) console.log(tableHead);
  const results = await runStories(chosen, runs, (result) => console.log(full ? fullStory(result) : tableLine(result)));
  const good = results.filter(holds).length;
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${good} of ${results.length}: the unsafe variant fails, the safe one holds (${seconds} s)`);
  if (json) console.log(toJson(results));
  if (good < results.length) process.exitCode = 1;
}

try {
  const options = readOptions();
  if (options.help) console.log(usage);
  else await main(options);
} catch (error) {
  // A mistake in the options is the caller's; anything else is shown with its stack.
  const mistake = error instanceof RangeError || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS");
  console.error(mistake === true ? `${(error as Error).message}\n${usage}` : error);
  process.exitCode = mistake === true ? 2 : 1;
}
