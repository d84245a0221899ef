import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { aliasesOfKey, conversationKey, resolveConversations } from "../../src/systems/conversation-key.ts";
import { ConversationStats, type ConversationStatsOptions } from "../../src/systems/conversation-stats.ts";
import type { RenderedConversation } from "../../src/systems/finalize.ts";
import type { Message } from "../../src/systems/page.ts";
import { byteLength } from "../support/bytes.ts";

const test = suite("systems/conversation-stats");
const region = Region.create();
const make = (options: ConversationStatsOptions = {}): ConversationStats =>
  new ConversationStats({ region, ...options });

const message = (timestamp: number, more: Partial<Message> = {}): Message => ({
  type: "sms",
  timestamp,
  time: new Date(timestamp).toISOString(),
  sender: "+1",
  senderName: "Ann",
  fromMe: false,
  text: `at ${timestamp}`,
  attachments: [],
  ...more,
});

test("each message is counted by type, with its attachments; latest is the maximum, not the last written", () => {
  const stats = make();
  stats.writeMessage("k", message(5000), [0, 0]);
  stats.writeMessage("k", message(9000, { type: "call", call: { kind: "recorded" } }), [0, 1]);
  stats.writeMessage(
    "k",
    message(1000, {
      type: "mms",
      attachments: [
        { kind: "img", ref: "a" },
        { kind: "vcf", ref: "b" },
      ],
    }),
    [0, 2],
  );
  stats.writeMessage(
    "k",
    message(2000, { type: "voicemail", text: "hi", attachments: [{ kind: "audio", ref: "c" }] }),
    [1, 0],
  );
  assert.equal(stats.getStats("k"), {
    smsCount: 2,
    callsCount: 1,
    voicemailsCount: 1,
    attachmentsCount: 3,
    imgCount: 1,
    videoCount: 0,
    vcfCount: 1,
    audioCount: 1,
    latestTimestamp: 9000,
    latestMessageTime: "1970-01-01 00:00:09",
    hasSms: true,
    hasMms: true,
    hasVoicemailWithText: true,
    total: 4,
  });
  assert.is(stats.getStats("none"), undefined);
  assert.is(stats.getTotalStats().num_sms, 2);
  assert.equal(
    stats.getMessages("k").map(({ timestamp }) => timestamp),
    [1000, 2000, 5000, 9000],
  );
});

test("messages come back as they were written, ordered by time, page and place on the page", () => {
  const stats = make();
  const call = message(7, { type: "call", text: "", call: { kind: "placed", durationSeconds: 90 }, fromMe: true });
  stats.writeMessage("k", message(7, { text: "second page" }), [2, 0]);
  stats.writeMessage("k", message(7, { text: "later on the page" }), [1, 5]);
  stats.writeMessage("k", call, [1, 0]);
  const [first, ...rest] = stats.getMessages("k");
  assert.equal(first, { ...call, rank: 1, index: 0 });
  assert.equal(
    rest.map(({ text }) => text),
    ["later on the page", "second page"],
  );
});

test("an unknown type, an unknown attachment or no time is an error, and changes nothing", () => {
  const stats = make();
  assert.throws(
    () => stats.writeMessage("k", message(1, { type: "fax" as never }), [0, 0]),
    /unknown message type "fax"/,
  );
  assert.throws(() => stats.writeMessage("k", message(1, { type: "toString" as never }), [0, 0]), RangeError);
  assert.throws(() => stats.writeMessage("k", message(Number.NaN), [0, 0]), RangeError);
  assert.throws(
    () => stats.writeMessage("k", message(1, { attachments: [{ kind: "x" as never, ref: "" }] }), [0, 0]),
    RangeError,
  );
  assert.is(stats.getAllStats().size, 0);
});

test("messages outside the dates are not written, and their conversation does not appear", () => {
  const stats = make({ dates: { olderThan: 10, newerThan: 20 } });
  assert.equal(
    [9, 10, 20, 21].map((time) => stats.writeMessage(`k${time}`, message(time), [0, 0])),
    [false, true, true, false],
  );
  assert.equal([...stats.getAllStats().keys()].sort(), ["k10", "k20"]);
});

test("after finalize a late message is refused, in every thread's handle, and nothing is lost", () => {
  const stats = make();
  const other = ConversationStats.from(stats.share());
  stats.writeMessage("k", message(1), [0, 0]);
  const plan = stats.plan((keys) => new Map(keys.map((key) => [key, { id: key, kind: "Person" }])));
  assert.ok(other.sealed);
  assert.throws(
    () => other.writeMessage("k", message(2), [0, 1]),
    (error: Error & { code?: string }) => error.code === "ERR_SEALED",
  );
  assert.throws(() => other.writeMessage("new", message(2), [0, 1]), /finalized/);
  assert.is(plan[0].figures.total, 1);
  assert.is(stats.getMessages("k").length, 1);
  assert.is(stats.getStats("new"), undefined);
});

const render = (stats: ConversationStats, names: Record<string, string>, options = {}): RenderedConversation[] => {
  const plan = stats.plan(
    (keys) => new Map(keys.map((key) => [key, { id: names[key] ?? key, kind: "Person" }])),
    options,
  );
  const all = plan.map((entry) =>
    stats.renderConversation(entry, {
      ...options,
      senderOf: (m) => (m.fromMe ? "Me" : m.senderName),
      attachmentPath: () => undefined,
    }),
  );
  return all.filter((rendered) => rendered !== undefined);
};

test("keys that resolve to one id become one conversation: sums, maximum, messages by time", () => {
  const stats = make();
  stats.writeMessage("+2", message(2000), [0, 0]);
  stats.writeMessage("+1", message(3000), [1, 0]);
  stats.writeMessage("+2", message(4000), [0, 1]);
  stats.writeMessage("+9", message(1000), [2, 0]);
  const pages = render(stats, { "+1": "Ann", "+2": "Ann" });
  assert.equal(
    pages.map(({ row }) => [row.id, row.figures.total, row.figures.latestTimestamp]),
    [
      ["+9", 1, 1000],
      ["Ann", 3, 4000],
    ],
  );
  const times = [...pages[1].html.matchAll(/at (\d+)</g)].map((match) => match[1]);
  assert.equal(times, ["2000", "3000", "4000"]);
  assert.is(pages[1].row.bytes, byteLength(pages[1].html));
});

test("call-only conversations go only if asked, and a later sms saves them whatever the order of files", () => {
  const write = (stats: ConversationStats): void => {
    stats.writeMessage("calls", message(1, { type: "call", text: "" }), [0, 0]);
    stats.writeMessage("both", message(1, { type: "call", text: "" }), [1, 0]);
    stats.writeMessage("both", message(2), [2, 0]);
  };
  const [kept, dropped] = [make(), make()];
  write(kept);
  write(dropped);
  assert.equal(
    render(kept, {}).map(({ row }) => row.id),
    ["both", "calls"],
  );
  assert.equal(
    render(dropped, {}, { dropCallOnly: true }).map(({ row }) => row.id),
    ["both"],
  );
});

test("commercial conversations go, unless they are to be kept", () => {
  const write = (stats: ConversationStats): void => {
    stats.writeMessage("shop", message(1, { text: "Sale!" }), [0, 0]);
    stats.writeMessage("shop", message(2, { text: "STOP", fromMe: true }), [0, 1]);
  };
  const [dropped, kept] = [make(), make()];
  write(dropped);
  write(kept);
  assert.equal(render(dropped, {}), []);
  assert.is(render(kept, {}, { keepCommercial: true }).length, 1);
});

test("a conversation's key is its participants, in one order, numbers before names", () => {
  const key = conversationKey([
    { phone: "+2", name: "Bob" },
    { phone: "", name: "Ann Lee" },
    { phone: "+1", name: "" },
    { phone: "+2", name: "Robert" },
    { phone: "", name: "" },
  ]);
  assert.is(key, "+1\n+2\n=Ann_Lee");
  assert.equal(
    aliasesOfKey(key, (phone) => `n${phone}`),
    ["n+1", "n+2", "Ann_Lee"],
  );
  assert.is(conversationKey([{ phone: "", name: "" }]), "");
  assert.equal(aliasesOfKey("", String), []);
});

test("finalize gives every file: the pages, then stats.json and index.html over exactly these", () => {
  const stats = make();
  stats.writeMessage(conversationKey([{ phone: "+1", name: "" }]), message(1), [0, 0]);
  stats.writeMessage(conversationKey([{ phone: "+2", name: "" }]), message(2), [1, 0]);
  stats.writeMessage("+3", message(3, { text: "Sale" }), [2, 0]);
  stats.writeMessage("+3", message(4, { text: "stop", fromMe: true }), [2, 1]);
  const names = new Map([
    ["+1", "john"],
    ["+2", "John"],
  ]);
  const files = new Map(
    [
      ...stats.finalize((keys) => resolveConversations(keys, (phone) => names.get(phone) ?? phone), {
        senderOf: ({ sender }) => names.get(sender) ?? sender,
        attachmentPath: () => undefined,
      }),
    ].map(({ name, content }) => [name, content]),
  );
  const [first, second, ...rest] = files.keys();
  assert.is(first, "John.html");
  assert.match(second, /^john_[0-9a-f]{6}\.html$/);
  assert.equal(rest, ["stats.json", "index.html"]);
  const { totals, conversations } = JSON.parse(files.get("stats.json") ?? "");
  assert.is(totals.num_sms, 2);
  assert.equal(
    Object.keys(conversations).map((id) => `${id}.html`),
    [first, second],
  );
  assert.is(stats.getTotalStats().num_sms, 4);
});

test("the same name is the same conversations", () => {
  ConversationStats.named("talks", { region }).writeMessage("k", message(1), [0, 0]);
  assert.is(ConversationStats.named("talks", { region }).getTotalStats().num_sms, 1);
});

test("a handle of something else is refused", () => {
  assert.throws(() => ConversationStats.from({ holdfast: "mutex" } as never), TypeError);
});

test.run();
