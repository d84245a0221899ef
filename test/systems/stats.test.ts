import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  addFigures,
  type ConversationFigures,
  NO_FIGURES,
  renderStatsJson,
  totalStats,
} from "../../src/systems/stats.ts";

const test = suite("systems/stats");

const figures = fc.record(
  {
    smsCount: fc.nat(9),
    callsCount: fc.nat(9),
    voicemailsCount: fc.nat(9),
    attachmentsCount: fc.nat(9),
    imgCount: fc.nat(9),
    videoCount: fc.nat(9),
    vcfCount: fc.nat(9),
    audioCount: fc.nat(9),
    latestTimestamp: fc.integer({ min: -2, max: 2 }),
    latestMessageTime: fc.constantFrom("a", "b", "c"),
    hasSms: fc.boolean(),
    hasMms: fc.boolean(),
    hasVoicemailWithText: fc.boolean(),
    total: fc.integer({ min: 1, max: 9 }),
  },
  { noNullPrototype: true },
);

test("adding figures does not depend on the order, and nothing added changes nothing", () => {
  fc.assert(
    fc.property(figures, figures, figures, (a, b, c) => {
      assert.equal(addFigures(a, b), addFigures(b, a));
      assert.equal(addFigures(addFigures(a, b), c), addFigures(a, addFigures(b, c)));
      assert.equal(addFigures(NO_FIGURES, a), a);
    }),
  );
});

test("stats.json: fixed keys, ids in code-unit order, numbers as ids too", () => {
  const one: ConversationFigures = {
    ...NO_FIGURES,
    smsCount: 2,
    callsCount: 1,
    attachmentsCount: 3,
    imgCount: 2,
    audioCount: 1,
  };
  const timed = { ...one, total: 3, latestTimestamp: 7, latestMessageTime: "1970-01-01 00:00:00" };
  const text = renderStatsJson([
    ["b", timed],
    ["54321", one],
    ['B"', one],
  ]);
  assert.equal(
    [...text.matchAll(/^ {4}"(.*)": \{$/gm)].map((match) => match[1]),
    ["54321", 'B\\"', "b"],
  );
  const parsed = JSON.parse(text);
  assert.equal(Object.keys(parsed), ["totals", "conversations"]);
  assert.equal(parsed.totals, {
    num_sms: 6,
    num_img: 6,
    num_vcf: 0,
    num_calls: 3,
    num_voicemails: 0,
    num_audio: 3,
    num_video: 0,
    real_attachments: 9,
  });
  assert.equal(parsed.conversations.b, {
    sms_count: 2,
    calls_count: 1,
    voicemails_count: 0,
    attachments_count: 3,
    latest_timestamp: 7,
    latest_message_time: "1970-01-01 00:00:00",
  });
  assert.is(parsed.conversations["54321"].latest_message_time, "No messages");
  assert.is(renderStatsJson([]), JSON.stringify({ totals: totalStats([]), conversations: {} }, null, 2) + "\n");
});

test.run();
