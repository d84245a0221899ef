// The real pages: psanford's against what that project's own parser reads out of them, both folders' against parse5.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { parsePage } from "../../../examples/takeout/parse-page.ts";
import type { Page } from "../../../src/systems/page.ts";
import { fixturePages, fixtureText } from "./fixtures.ts";
import { readWithParse5 } from "./parse5-oracle.ts";

/** One line of expected.jsonl. */
interface Expected {
  readonly type: string;
  /** Names with their numbers, the owner's as Me. */
  readonly participants: Readonly<Record<string, string>>;
  readonly timestamp: string;
  readonly messages?: readonly {
    readonly timestamp: string;
    readonly sender: string;
    readonly sender_number: string;
    readonly content: string;
    readonly images?: readonly string[];
  }[];
  /** hh:mm:ss */
  readonly duration?: string;
  readonly transcript?: string;
  readonly source_file: string;
}

/**
 * A page in the shape of expected.jsonl. The two differ in spelling alone: times are compared as instants (theirs
 * drop a fraction's trailing zeros), durations as hh:mm:ss, and their only attachments are images. Texts need no
 * adjusting: both sides trim them, which takes the <br> at the end of "Hahahaha<br>" and the blank after "🙏 ".
 */
function inTheirShape(page: Page, fileName: string) {
  const own = page.messages.find(({ fromMe }) => fromMe);
  const participants = Object.fromEntries(page.participants.map(({ name, phone }) => [name, phone]));
  if (own !== undefined) participants.Me = own.sender;
  const [first] = page.messages;
  const shape: Record<string, unknown> = {
    type: page.kind === "text" ? "chat" : page.kind === "missed" ? "missed_call" : page.kind,
    participants,
    timestamp: first.timestamp,
    source_file: fileName,
  };
  if (page.kind === "text") shape.messages = page.messages.map(messageInTheirShape);
  const seconds = first.call?.durationSeconds;
  if (seconds !== undefined) shape.duration = new Date(seconds * 1000).toISOString().slice(11, 19);
  if (page.kind === "voicemail") shape.transcript = first.text;
  return shape;
}

function messageInTheirShape({ timestamp, sender, senderName, text, attachments }: Page["messages"][number]) {
  const images = attachments.map(({ kind, ref }) => (kind === "img" ? ref : `unexpected ${kind}`));
  const message = { timestamp, sender: senderName, sender_number: sender, content: text };
  return images.length === 0 ? message : { ...message, images };
}

function withInstants(expected: Expected): Record<string, unknown> {
  const messages = expected.messages?.map((message) => ({ ...message, timestamp: Date.parse(message.timestamp) }));
  return { ...expected, timestamp: Date.parse(expected.timestamp), ...(messages === undefined ? {} : { messages }) };
}

const psanford = fixturePages("psanford/testdata");
const lbeder = fixturePages("lbeder/Calls");

if (psanford !== undefined) {
  test("psanford's pages give what expected.jsonl says", () => {
    const lines = fixtureText("psanford/expected.jsonl").trim().split("\n");
    const expected = new Map(lines.map((line) => JSON.parse(line)).map((each: Expected) => [each.source_file, each]));
    assert.equal(
      [...expected.keys()].sort(),
      psanford.map(({ fileName }) => fileName),
    );
    for (const { fileName, bytes } of psanford) {
      const page = parsePage(bytes, fileName);
      assert.equal(inTheirShape(page, fileName), withInstants(expected.get(fileName) as Expected), fileName);
    }
  });

  test("psanford's pages give what parse5 reads", () => {
    for (const { fileName, bytes } of psanford) {
      assert.equal(parsePage(bytes, fileName), readWithParse5(Buffer.from(bytes).toString(), fileName), fileName);
    }
  });
}

if (lbeder !== undefined) {
  test("lbeder's pages give what parse5 reads, with an owner's number and without", () => {
    assert.ok(lbeder.length >= 30, `${lbeder.length} pages`);
    for (const { fileName, bytes } of lbeder) {
      const html = Buffer.from(bytes).toString();
      for (const ownNumber of ["", "+13345550104"]) {
        assert.equal(parsePage(bytes, fileName, { ownNumber }), readWithParse5(html, fileName, ownNumber), fileName);
      }
    }
  });

  test("lbeder's odd pages give what stands on them", () => {
    const read = (start: string) => {
      const found = lbeder.find(({ fileName }) => fileName.startsWith(start));
      if (found === undefined) throw new Error(`no page ${start}`);
      return parsePage(found.bytes, found.fileName);
    };
    // No action in the file's name, an unknown caller, a short number, two plus signs, an address in a group.
    assert.is(read("+14016660192 - 2018").kind, "placed");
    assert.equal(read("- Missed - 2011-10-27").participants, [{ phone: "", name: "" }]);
    assert.equal(read("174074978 - Missed").participants, [{ phone: "174074978", name: "" }]);
    const large = read("Group Conversation - 2017-02-04");
    assert.is(large.participants.length, 19);
    assert.ok(large.participants.some(({ phone, name }) => phone === "+16175550151" && name === "++16175550151"));
    assert.ok(read("Group Conversation - 2020").participants.some(({ phone }) => phone === "john@example.com"));
    assert.is(read("- Received - 2011-11-28").messages[0].call?.durationSeconds, 1010);
    // Both sides carry the owner's number: the file's name alone knows the other one.
    const mirrored = read("+17855550115 - Text - 2021");
    assert.equal(mirrored.participants, [{ phone: "+17855550115", name: "" }]);
    assert.ok(mirrored.messages.every(({ fromMe }) => fromMe));
  });
}

// The runner counts what is left out; a file that ran nothing and skipped nothing would be a failure.
for (const [name, pages] of [
  ["psanford", psanford],
  ["lbeder", lbeder],
] as const) {
  if (pages === undefined) test.skip(`${name}: its pages are absent`, () => {});
}

test.run();
