import { test } from "uvu";
import * as assert from "uvu/assert";
import { parsePage } from "../../../examples/takeout/parse-page.ts";
import { callPage, ME, message, TIME, TIMESTAMP, tail, tel, textPage } from "./pages.ts";

const FILE = "Joe - Text - 2022-07-01T01_06_39Z.html";
const JOE = tel("+12025550149", "Joe");

function body(q: string): string {
  return parsePage(textPage([message(JOE, q)]), FILE).messages[0].text;
}

test("a text page gives its messages, each with its own time and sender", () => {
  const page = parsePage(textPage([message(JOE, "hi"), message(ME, "hello", "", "2022-06-30T18:06:40Z")], "Joe"), FILE);
  assert.is(page.kind, "text");
  assert.not(page.group);
  assert.equal(page.participants, [{ phone: "+12025550149", name: "Joe" }]);
  assert.equal(page.messages, [
    {
      type: "sms",
      timestamp: TIMESTAMP,
      time: TIME,
      sender: "+12025550149",
      senderName: "Joe",
      fromMe: false,
      text: "hi",
      attachments: [],
    },
    {
      type: "sms",
      timestamp: Date.UTC(2022, 5, 30, 18, 6, 40),
      time: "2022-06-30T18:06:40Z",
      sender: "+12025550100",
      senderName: "Me",
      fromMe: true,
      text: "hello",
      attachments: [],
    },
  ]);
  assert.equal([page.labels, page.userDeleted], [["sms"], false]);
});

test("bytes and their string give the same page, with a byte order mark or without", () => {
  const html = textPage([message(JOE, "💚 naïve")]);
  const page = parsePage(html, FILE);
  assert.equal(parsePage(Buffer.from(html), FILE), page);
  assert.equal(parsePage(Buffer.from(`\ufeff${html}`), FILE), page);
  assert.equal(parsePage(`\ufeff${html}`, FILE), page);
});

test("<br> is a line break, a raw line feed is a blank, typed blanks stay", () => {
  assert.is(body("one<br>two<br><br>four"), "one\ntwo\n\nfour");
  assert.is(body("one\ntwo"), "one two");
  assert.is(body("one <br />\n   two"), "one \ntwo");
  assert.is(body("one  \r\n\t two  three"), "one two  three");
  assert.is(body("  Thank you 🙏 \n"), "Thank you 🙏");
  assert.is(body("Hahahaha<br>"), "Hahahaha");
  assert.is(body(""), "");
});

test("entities are decoded once, and markup in a message is text", () => {
  assert.is(body("&lt;b&gt; &amp;amp; &quot;&#39; &#8239;&#128154;"), "<b> &amp; \"' \u202f💚");
  assert.is(body("&lt;/q&gt;&lt;/html&gt;"), "</q></html>");
  assert.is(body("a<!-- hidden -->b<b>c</b>"), "abc");
});

test("attachments make an mms, and so does Google's notice without one", () => {
  const after =
    '<div><img src="B-1-1" alt="Image MMS Attachment" /></div> <div><a class="video" href="B-1-2">Video</a></div> ' +
    '<div><a class="vcard" href="B-1-3">Card</a></div> <div><audio src="B-1-4"></audio></div>';
  const page = parsePage(
    textPage([message(JOE, "look", after), message(JOE, "MMS Received"), message(ME, "MMS Sent")]),
    FILE,
  );
  assert.equal(
    page.messages.map(({ type }) => type),
    ["mms", "mms", "mms"],
  );
  assert.equal(page.messages[0].attachments, [
    { kind: "img", ref: "B-1-1" },
    { kind: "video", ref: "B-1-2" },
    { kind: "vcf", ref: "B-1-3" },
    { kind: "audio", ref: "B-1-4" },
  ]);
  assert.equal(page.messages[1].attachments, []);
});

test("a group lists everyone but the owner, each once, whether or not they wrote", () => {
  const participants = `<div class="participants">Group conversation with:\n${[
    "++16175550151",
    "+12025550149",
    "john@example.com",
  ]
    .map((number) => `<cite class="sender vcard">${tel(number, number)}</cite>`)
    .join(", ")}</div>`;
  const writers = [
    message(JOE, "a"),
    message(ME, "b"),
    message(tel("+16175550151", "Ann"), "c"),
    message(tel("54321", ""), "d"),
  ];
  const page = parsePage(
    textPage(writers, "Group Conversation", participants),
    "Group Conversation - 2022-07-01T01_06_39Z.html",
  );
  assert.ok(page.group);
  assert.equal(page.participants, [
    { phone: "+16175550151", name: "++16175550151" },
    { phone: "+12025550149", name: "+12025550149" },
    { phone: "john@example.com", name: "john@example.com" },
    { phone: "54321", name: "" },
  ]);
  assert.is(page.messages.length, 4);
});

test("a name that is missing at first is taken from a later message", () => {
  const page = parsePage(textPage([message(tel("+12025550149", ""), "a"), message(JOE, "b")]), FILE);
  assert.equal(page.participants, [{ phone: "+12025550149", name: "Joe" }]);
});

test("calls of each kind give kind, duration and who is on the other side", () => {
  const duration = '<br />\n<abbr class="duration" title="PT1H2M3S">(01:02:03)</abbr>\n';
  for (const [verb, kind] of [
    ["Missed call from", "missed"],
    ["Received call from", "received"],
    ["Placed call to", "placed"],
    ["Recorded call with", "recorded"],
  ]) {
    const inside = kind === "missed" ? "" : duration;
    const page = parsePage(callPage(verb, JOE, inside), "x.html", { ownNumber: "(202) 555-0100" });
    assert.is(page.kind, kind);
    assert.equal(page.participants, [{ phone: "+12025550149", name: "Joe" }]);
    const [call] = page.messages;
    assert.equal([call.type, call.timestamp, call.text, page.messages.length], ["call", TIMESTAMP, "", 1]);
    assert.equal(call.call, kind === "missed" ? { kind } : { kind, durationSeconds: 3723 });
    const sender = kind === "placed" ? ["+12025550100", "Me", true] : ["+12025550149", "Joe", false];
    assert.equal([call.sender, call.senderName, call.fromMe], sender);
  }
});

test("a recorded call has its recording", () => {
  const audio =
    '<audio controls="controls" src=" - Recorded.mp3"><a rel="enclosure" href=" - Recorded.mp3">Audio</a></audio>';
  const [call] = parsePage(callPage("Recorded call with", JOE, audio, "#recorded"), "x.html").messages;
  assert.equal([call.type, call.attachments], ["call", [{ kind: "audio", ref: " - Recorded.mp3" }]]);
});

test("a voicemail has its transcript, once, and its audio", () => {
  const word = (text: string) => `<span class="word high">${text}\n<span class="start-time">0.0</span></span>`;
  const transcript = (text: string) =>
    `Transcript:\n<span class="description"><span class="full-text">${text}</span>\n${text.split(" ").map(word).join("\n")}</span>\n` +
    '<br />\n<audio src="V.mp3"><a rel="enclosure" href="V.mp3">Audio</a></audio>\n<abbr class="duration" title="PT18S"></abbr>';
  const read = (inside: string) => parsePage(callPage("Voicemail from", JOE, inside, "#voicemail #inbox"), "x.html");
  const page = read(transcript("Hello &amp;\nworld"));
  assert.equal([page.kind, page.labels], ["voicemail", ["voicemail", "inbox"]]);
  const [voicemail] = page.messages;
  assert.equal([voicemail.type, voicemail.text], ["voicemail", "Hello & world"]);
  assert.equal(voicemail.attachments, [{ kind: "audio", ref: "V.mp3" }]);
  assert.equal(voicemail.call, { kind: "voicemail", durationSeconds: 18, transcribed: true });

  const failed = read(transcript("Unable to transcribe this message.")).messages[0];
  assert.equal([failed.text, failed.call?.transcribed], ["Unable to transcribe this message.", false]);
  assert.equal([read("").messages[0].text, read("").messages[0].call?.transcribed], ["", false]);
});

test("the kind of a call comes from its headline, else its labels, else the file's name", () => {
  const foreign = callPage("Verpasster Anruf von", JOE, "", "#inbox #missed");
  assert.is(parsePage(foreign, "x.html").kind, "missed");
  const unlabelled = callPage("Verpasster Anruf von", JOE, "", "#inbox");
  assert.is(parsePage(unlabelled, "Joe - Placed - 2022-07-01T01_06_39Z.html").kind, "placed");
});

test("an unknown caller is someone without number and name", () => {
  const page = parsePage(
    callPage("Missed call from", tel("", "")).replace("Someone", ""),
    "- Missed - 2022-07-01T01_06_39Z.html",
  );
  assert.equal(page.participants, [{ phone: "", name: "" }]);
  assert.equal([page.messages[0].sender, page.messages[0].senderName], ["", ""]);
});

test("where all messages are the owner's, title and file name say to whom they went", () => {
  const mine = [message(ME, "a"), message(ME, "b")];
  const other = (title: string, file: string) => parsePage(textPage(mine, title), file).participants;
  assert.equal(other("Me to\nSillio Sanford", "sms2.html"), [{ phone: "", name: "Sillio Sanford" }]);
  assert.equal(other("Me to\n", "+17855550115 - Text - 2022-07-01T01_06_39Z (1).html"), [
    { phone: "+17855550115", name: "" },
  ]);
  assert.equal(other("Me to\nAnn", "+17855550115 - Text - 2022-07-01T01_06_39Z.html"), [
    { phone: "+17855550115", name: "Ann" },
  ]);
  assert.equal(other("", FILE), [{ phone: "", name: "Joe" }]);
  assert.equal(other("", "x.html"), [{ phone: "", name: "" }]);
});

test("the owner's number is the owner's wherever it stands", () => {
  const own = tel("+12025550100", "");
  const file = "+17855550115 - Text - 2022-07-01T01_06_39Z.html";
  const page = parsePage(textPage([message(ME, "a"), message(own, "b")], "Me to"), file);
  assert.equal(
    page.messages.map(({ fromMe, sender, senderName }) => [fromMe, sender, senderName]),
    [
      [true, "+12025550100", "Me"],
      [true, "+12025550100", "Me"],
    ],
  );
  assert.equal(page.participants, [{ phone: "+17855550115", name: "" }]);
  // Without a message of the owner's on the page, Phones.vcf tells.
  const alone = textPage([message(own, "b")], "");
  assert.ok(parsePage(alone, file, { ownNumber: "+12025550100" }).messages[0].fromMe);
  assert.not(parsePage(alone, file).messages[0].fromMe);
});

test("a contact called Me is not the owner", () => {
  const page = parsePage(textPage([message(tel("+12025550149", "Me"), "a")]), FILE);
  assert.not(page.messages[0].fromMe);
  assert.equal(page.participants, [{ phone: "+12025550149", name: "Me" }]);
});

test("links and scopes stand as the names' rules need them", () => {
  const participants = `<div class="participants">With:\n<cite class="sender vcard">${tel("++16175550151", "Ann\nLee")}</cite></div>`;
  const loose = '<div><a class="tel" href="tel:54321"></a> <b class="fn">Short code</b></div>';
  const page = parsePage(textPage([message(ME, "a", loose)], "", participants), FILE);
  assert.equal(page.names.links, [
    { number: "++16175550151", phone: "+16175550151", fn: "Ann Lee", text: "Ann Lee", inSender: true },
    { number: "+12025550100", fn: "Me", text: "Me", inSender: true },
    { number: "54321", fn: undefined, text: "", inSender: false },
  ]);
  assert.equal(page.names.scopes, [
    { name: "Ann Lee", numbers: ["++16175550151", "+16175550151"] },
    { name: "Me", numbers: ["+12025550100"] },
    { name: "Short code", numbers: ["54321"] },
  ]);
});

test("a call log's headline is a name in the log's scope", () => {
  const { names } = parsePage(callPage("Missed call from", tel("+12025550149", "")), "x.html");
  assert.equal(names.links, [{ number: "+12025550149", fn: "", text: "", inSender: false }]);
  assert.equal(names.scopes, [{ name: "Missed call from Someone", numbers: ["+12025550149"] }]);
});

test("a link without tel: is none, and its name still is the sender's", () => {
  const page = parsePage(textPage([message('<a class="tel" href="#"><span class="fn">Ann</span></a>', "a")]), FILE);
  assert.equal(page.names, { links: [], scopes: [] });
  assert.equal(page.participants, [{ phone: "", name: "Ann" }]);
});

test("a page with no messages is a page", () => {
  const page = parsePage(textPage([]), FILE);
  assert.equal([page.messages, page.participants], [[], [{ phone: "", name: "Joe" }]]);
});

test("what the user deleted is marked", () => {
  const html = textPage([message(JOE, "a")]).replace(tail("#sms"), tail("#sms", "True"));
  assert.ok(parsePage(html, FILE).userDeleted);
});

test("a message whose end tag got lost does not swallow the next one", () => {
  const html = textPage([message(JOE, "one").slice(0, -"</div>".length), message(JOE, "two")]);
  assert.equal(
    parsePage(html, FILE).messages.map(({ text }) => text),
    ["one", "two"],
  );
});

test("the page's shapes survive structuredClone", () => {
  const page = parsePage(textPage([message(JOE, "a")]), FILE);
  assert.equal(structuredClone(page), page);
});

test.run();
