// What is asked, and how answers are read from a scripted input.
import { PassThrough } from "node:stream";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Asker, isKeyLeftOut, openQuestions } from "../../../examples/takeout/questions.ts";
import { NO_FIGURES } from "../../../src/systems/stats.ts";

const test = suite("examples/takeout/questions");

const figures = (total: number, latestTimestamp: number) => ({
  ...NO_FIGURES,
  total,
  latestTimestamp,
  latestMessageTime: `at ${latestTimestamp}`,
});

test("each unknown number is one question, the one with most messages first; names are none", () => {
  const conversations = new Map([
    ["+1202\n+1203", figures(5, 30)],
    ["+1202", figures(2, 40)],
    ["+1201", figures(5, 10)],
    ["+1204", figures(9, 10)],
    ["=Ann", figures(9, 10)],
    ["", figures(9, 10)],
  ]);
  const isKnown = (phone: string): boolean => phone === "+1204";
  assert.equal(openQuestions(conversations, isKnown), [
    { phone: "+1202", messages: 7, latest: "at 40" },
    { phone: "+1201", messages: 5, latest: "at 10" },
    { phone: "+1203", messages: 5, latest: "at 30" },
  ]);
});

test("a conversation is left out when all in it are filtered numbers, and none has a name only", () => {
  const isFiltered = (phone: string): boolean => phone !== "+1203";
  assert.is(isKeyLeftOut("+1201\n+1202", isFiltered), true);
  assert.is(isKeyLeftOut("+1201\n+1203", isFiltered), false);
  assert.is(isKeyLeftOut("+1201\n=Ann", isFiltered), false);
  assert.is(isKeyLeftOut("", isFiltered), false);
});

test("an answer is a name, nothing, - or q; the end of the input stops, and so does closing", async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const asker = new Asker(input, output);
  const ask = () => asker.ask({ phone: "+1201", messages: 3, latest: "today" });
  // All at once, before the first question: nothing is lost.
  input.write("  Ann Lee \r\n\n-\nq\n");
  assert.equal(await ask(), { kind: "name", name: "Ann Lee" });
  assert.equal(await ask(), { kind: "skip" });
  assert.equal(await ask(), { kind: "exclude" });
  assert.equal(await ask(), { kind: "stop" });
  const open = ask();
  asker.close();
  assert.equal(await open, { kind: "stop" });
  // Node 26 gives a chunk at a time.
  let text = "";
  for (let chunk = output.read(); chunk !== null; chunk = output.read()) text += chunk;
  assert.is(text.split("Numbers without a name.").length, 2, "how to answer is said once");
  assert.match(text, "+1201  (3 messages, the latest today): ");
  const ended = new PassThrough();
  ended.end("Last without a line break");
  const other = new Asker(ended, new PassThrough());
  const question = { phone: "+1201", messages: 1, latest: "" };
  assert.equal(await other.ask(question), { kind: "name", name: "Last without a line break" });
  assert.equal(await other.ask(question), { kind: "stop" });
});

test.run();
