// examples/races in short: every hazard's unsafe variant fails, its safe one holds, and the story can be told.
// watchdog: 300s
// native: too
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { RacePool } from "../../examples/races/pool.ts";
import { columns, fullStory, toJson } from "../../examples/races/report.ts";
import { holds, type Result, runStories } from "../../examples/races/run.ts";
import { stories } from "../../examples/races/stories/index.ts";

const test = suite("races");
const results: Result[] = await runStories(stories, 2);

test("there is a story for each hazard, H1 to H50", () => {
  assert.equal(
    stories.map(({ id }) => id),
    Array.from({ length: 50 }, (_, i) => `H${i + 1}`),
  );
});

for (const result of results) {
  const { story, unsafe, safe } = result;
  test(`${story.id} ${story.title}: the unsafe variant fails, the safe one holds`, () => {
    const found = `unsafe ${unsafe.failures}/${unsafe.runs}, safe ${safe.failures}/${safe.runs}: ${safe.symptom}`;
    assert.ok(holds(result), found);
    assert.ok(unsafe.symptom);
    if (story.kind === "forced") assert.is(unsafe.missed, 0, "the script is kept");
  });
}

test("the safe variants hold in any order of the steps: one thread first, the other first, and nobody steered", async () => {
  const pool = new RacePool();
  const byThread = (script: readonly string[], sign: 1 | -1): string[] =>
    [...script].sort((a, b) => sign * (Number.parseInt(a, 10) - Number.parseInt(b, 10)));
  try {
    for (const story of stories.filter(({ kind }) => kind === "forced")) {
      for (const script of [byThread(story.script, 1), byThread(story.script, -1), []]) {
        const { symptom } = await pool.run(story, "safe", script);
        assert.is(symptom, undefined, `${story.id} in the order ${script.join(" | ")}`);
      }
    }
  } finally {
    await pool.close();
  }
});

test("a story is told in columns, each step in its thread's", () => {
  const told = columns(stories[4]).split("\n");
  assert.match(told[0], /^ {2}page 1: Bob +\| page 2: Robert$/);
  assert.match(told[2], /^ {2}look \+1 up: absent \|$/);
  assert.match(told[3], /^ +\| look \+1 up: absent$/);
  const full = fullStory(results[4]);
  assert.match(full, /one number, two conversations: Bob and Robert/);
  for (const { story } of results) {
    for (const entry of story.script) assert.ok(Number(/^\d+/.exec(entry)?.[0]) < story.threads.length, entry);
  }
});

test("the JSON has what tools rely on", () => {
  const parsed = JSON.parse(toJson(results)) as Record<string, Record<string, unknown>>;
  assert.is(Object.keys(parsed).length, 50);
  assert.equal(Object.keys(parsed.H5), ["title", "kind", "unsafe", "safe"]);
  assert.equal(parsed.H5.unsafe, { runs: 2, failures: 2 });
  assert.equal(parsed.H5.safe, { runs: 2, failures: 0 });
});

test.run();
