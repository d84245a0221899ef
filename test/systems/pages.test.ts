import fc from "fast-check";
import { parse } from "parse5";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { renderConversationPage } from "../../src/systems/conversation-page.ts";
import { formatBytes, formatCount, formatDuration, formatTime, relativeUrl } from "../../src/systems/html.ts";
import { type IndexRow, renderIndexPage } from "../../src/systems/index-page.ts";
import type { Message } from "../../src/systems/page.ts";
import { NO_FIGURES, totalStats } from "../../src/systems/stats.ts";

const test = suite("systems/pages");

type Node = { nodeName: string; childNodes?: Node[]; value?: string; attrs?: { name: string; value: string }[] };

/** Parses strictly: a mistake in the HTML is a failure. */
function read(html: string): Node {
  const mistakes: string[] = [];
  const tree = parse(html, { onParseError: (error) => mistakes.push(`${error.code} in line ${error.startLine}`) });
  assert.equal(mistakes, []);
  return tree as unknown as Node;
}

function all(node: Node, name: string): Node[] {
  const inside = (node.childNodes ?? []).flatMap((child) => all(child, name));
  return node.nodeName === name ? [node, ...inside] : inside;
}

function text(node: Node): string {
  return node.value ?? (node.childNodes ?? []).map(text).join("");
}

const attribute = (node: Node, name: string): string | undefined => node.attrs?.find((a) => a.name === name)?.value;

const message = (more: Partial<Message>): Message => ({
  type: "sms",
  timestamp: Date.UTC(2024, 4, 22, 23, 0, 0),
  time: "2024-05-22T16:00:00.000-07:00",
  sender: "+1",
  senderName: "Ann",
  fromMe: false,
  text: "hi",
  attachments: [],
  ...more,
});

const page = (messages: Message[], id = "Ann"): string =>
  renderConversationPage({
    id,
    messages,
    senderOf: (m) => (m.fromMe ? "Me" : m.senderName),
    attachmentPath: ({ ref }) => (ref === "gone" ? undefined : `../Calls/${ref}`),
  });

test("a conversation's page: header with id, total and range, one row a message with the page's own times", () => {
  const later = message({
    timestamp: Date.UTC(2024, 5, 1),
    time: "2024-06-01T01:00:00+01:00",
    fromMe: true,
    text: "a\nb",
  });
  const tree = read(page([message({}), later]));
  assert.is(text(all(tree, "header")[0]), "Ann2 messages · 2024-05-22 to 2024-06-01");
  const rows = all(all(tree, "tbody")[0], "tr").map((row) => all(row, "td").map(text));
  assert.equal(rows, [
    ["2024-05-22 16:00:00", "Ann", "hi", ""],
    ["2024-06-01 01:00:00", "Me", "a\nb", ""],
  ]);
  assert.equal(all(tree, "script"), []);
});

test("calls and attachments: labels, links relative to the output, images inline and lazy", () => {
  const call = message({ type: "call", text: "", call: { kind: "placed", durationSeconds: 90 } });
  const attachments = [
    { kind: "img", ref: "a b#1.jpg" },
    { kind: "vcf", ref: "x:y.vcf" },
    { kind: "video", ref: "gone" },
  ] as const;
  const rows = all(all(read(page([call, message({ type: "mms", attachments })])), "tbody")[0], "tr");
  assert.is(text(all(rows[0], "td")[2]), "Placed call, 1 min 30 s");
  const cell = all(rows[1], "td")[3];
  assert.equal(
    all(cell, "a").map((a) => attribute(a, "href")),
    ["../Calls/a%20b%231.jpg", "../Calls/x%3Ay.vcf"],
  );
  assert.is(attribute(all(cell, "img")[0], "loading"), "lazy");
  assert.match(text(cell), "Video, not in the export: gone");
});

test("nothing in a message, a name or a file can become markup", () => {
  const nasty = fc.oneof(
    fc.constantFrom(`<script>x()</script>`, `"><img src=x onerror=y>`, `</td></table>`, `&lt;`, `javascript:x()`, "\0"),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  const shape = (node: Node): string => `${node.nodeName}(${(node.childNodes ?? []).map(shape).join()})`;
  const plain = (html: string): string => shape(read(html)).replaceAll("#text()", "").replaceAll(",", "");
  const expected = plain(page([message({ attachments: [{ kind: "img", ref: "r" }] })]));
  fc.assert(
    fc.property(nasty, nasty, nasty, (body, name, ref) => {
      fc.pre(ref !== "gone");
      const html = page([message({ text: body, senderName: name, attachments: [{ kind: "img", ref }] })], name);
      assert.is(plain(html), expected);
      const link = all(read(html), "a").map((a) => attribute(a, "href"));
      assert.ok(link.every((href) => href === "index.html" || href?.startsWith("../Calls/")));
    }),
  );
});

test("the index: totals on top, every column, latest first, ids escaped", () => {
  const row = (id: string, latestTimestamp: number): IndexRow => ({
    id,
    kind: "Person",
    bytes: 1536,
    figures: { ...NO_FIGURES, smsCount: 1234, total: 1234, latestTimestamp, latestMessageTime: "2024-05-22 16:00:00" },
  });
  const rows = [row("old", 1), row("new<b>", 3), row("b", 2), row("a", 2)];
  const html = renderIndexPage(rows, totalStats(rows.map(({ figures }) => figures)));
  const tree = read(html);
  assert.is(text(all(all(tree, "dl")[0], "div")[0]), "SMS4,936");
  assert.equal(all(all(tree, "thead")[0], "th").map(text), [
    "Conversation",
    "Type",
    "Size",
    "SMS",
    "Calls",
    "Voicemails",
    "Attachments",
    "Latest message",
  ]);
  const cells = all(all(tree, "tbody")[0], "tr").map((tr) => all(tr, "td").map(text));
  assert.equal(
    cells.map((line) => line[0]),
    ["new<b>", "a", "b", "old"],
  );
  assert.equal(cells[0].slice(1), ["Person", "1.5 KB", "1,234", "0", "0", "0", "2024-05-22 16:00:00"]);
  assert.is(attribute(all(tree, "a")[0], "href"), "new%3Cb%3E.html");
  assert.is(renderIndexPage([...rows].reverse(), totalStats(rows.map(({ figures }) => figures))), html);
  read(renderIndexPage([], totalStats([])));
});

test("formats are the same everywhere", () => {
  assert.equal([0, 999, 1000, 1234567].map(formatCount), ["0", "999", "1,000", "1,234,567"]);
  assert.equal([0, 1023, 1024, 10240, 5 * 1024 ** 2].map(formatBytes), ["0 B", "1023 B", "1.0 KB", "10 KB", "5.0 MB"]);
  assert.equal([0, 59, 60, 3600, 3661].map(formatDuration), ["0 s", "59 s", "1 min", "1 h", "1 h 1 min 1 s"]);
  assert.is(formatTime({ time: "nonsense", timestamp: 0 }), "1970-01-01 00:00:00");
  assert.is(relativeUrl("../a b/c?d"), "../a%20b/c%3Fd");
});

test.run();
