import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TakeoutPlan } from "../../../examples/takeout/generate-plan.ts";
import { PageError, type PageErrorCode, quoteFileName } from "../../../examples/takeout/page-error.ts";
import { DEFAULT_MAX_PAGE_BYTES, pageTooLarge, parsePage } from "../../../examples/takeout/parse-page.ts";
import type { Page } from "../../../src/systems/page.ts";
import { callPage, HEAD, ME, message, tel, textPage } from "./pages.ts";

const FILE = "Joe - Text - 2022-07-01T01_06_39Z.html";
const JOE = tel("+12025550149", "Joe");

/** The page or its error; any other error ends the test. */
function attempt(html: string | Uint8Array, fileName = FILE): Page | PageError {
  try {
    return parsePage(html, fileName);
  } catch (error) {
    if (error instanceof PageError) return error;
    throw error;
  }
}

function refuses(code: PageErrorCode, html: string | Uint8Array, says: RegExp): void {
  const error = attempt(html);
  if (!(error instanceof PageError)) throw new Error(`${code} expected, but the page was read`);
  assert.is(error.code, code, error.message);
  assert.match(error.message, says);
  assert.match(error.message, FILE);
  assert.is(error.file, FILE);
}

test("an empty file, and one of white space", () => {
  refuses("ERR_PAGE_EMPTY", "", /is empty/);
  refuses("ERR_PAGE_EMPTY", new Uint8Array(0), /is empty/);
  refuses("ERR_PAGE_EMPTY", Buffer.from(" \r\n\ufeff\n"), /white space/);
});

test("a file that is no page", () => {
  for (const text of ["hello", "\0\0\0\0", '{"a": 1}', "<div>hChatLog</div>", "<html><body>Hi</body></html>", "<"]) {
    refuses("ERR_PAGE_NOT_A_PAGE", text, /no Google Voice page/);
  }
});

test("a file that is not UTF-8", () => {
  const html = textPage([message(JOE, "caf\u00e9 na\u00efve")]);
  refuses("ERR_PAGE_ENCODING", Buffer.from(html, "latin1"), /not UTF-8/);
  refuses("ERR_PAGE_ENCODING", Buffer.from(`\ufeff${html}`, "utf16le"), /not UTF-8/);
  refuses("ERR_PAGE_ENCODING", Uint8Array.of(0x47, 0x80), /not UTF-8/);
});

test("a file of 50 MB in one line is refused before it is decoded", () => {
  refuses("ERR_PAGE_TOO_LARGE", Buffer.alloc(50_000_000, "a"), /50000000 bytes, more than the limit of 16777216/);
  refuses("ERR_PAGE_TOO_LARGE", "a".repeat(50_000_000), /50000000 bytes/);
});

test("the limit is in bytes, can be set, and can be asked before reading", () => {
  const html = textPage([message(JOE, "é".repeat(5000))]);
  const bytes = Buffer.byteLength(html);
  assert.is(parsePage(html, FILE, { maxBytes: bytes }).messages.length, 1);
  assert.throws(() => parsePage(html, FILE, { maxBytes: bytes - 1 }), /more than the limit/);
  assert.throws(() => parsePage(Buffer.from(html), FILE, { maxBytes: bytes - 1 }), /more than the limit/);
  assert.is(pageTooLarge(FILE, DEFAULT_MAX_PAGE_BYTES), undefined);
  assert.is(pageTooLarge(FILE, DEFAULT_MAX_PAGE_BYTES + 1)?.code, "ERR_PAGE_TOO_LARGE");
});

test("a time that is missing or no date is said, and nothing of the page is counted", () => {
  for (const time of [
    "",
    "yesterday",
    "2022-02-30T10:00:00Z",
    "2022-06-30T24:00:00Z",
    "2022-06-30T18:06:39",
    "0001-01-01T00:00:00Z",
  ]) {
    const html = textPage([message(JOE, "fine"), message(JOE, "broken", "", time)]);
    refuses("ERR_PAGE_TIME", html, time === "" ? /message 2 has no time/ : /time of message 2 is no date/);
  }
  refuses("ERR_PAGE_TIME", textPage([message(JOE, "a").replace('class="dt"', "")]), /message 1 has no time/);
  refuses("ERR_PAGE_TIME", callPage("Missed call from", JOE, "", "#missed", "x".repeat(1e6)), /the call is no date/);
});

test("times at the calendar's edges are taken", () => {
  for (const [time, timestamp] of [
    ["2024-02-29T23:59:59.999+14:00", Date.UTC(2024, 1, 29, 9, 59, 59, 999)],
    ["1969-12-31T16:00:00.000-08:00", 0],
    ["2022-06-30T18:06:39.8949999-0700", Date.UTC(2022, 6, 1, 1, 6, 39, 894)],
    ["2022-06-30T18:06:39Z", Date.UTC(2022, 5, 30, 18, 6, 39)],
  ] as const) {
    assert.is(parsePage(textPage([message(JOE, "a", "", time)]), FILE).messages[0].timestamp, timestamp, time);
  }
});

test("a duration that is none is left out", () => {
  for (const title of ["", "PT", "P", "18", "PT1M30", "PT-1S", "PT99999999999999999999S"]) {
    const html = callPage("Received call from", JOE, `<abbr class="duration" title="${title}"></abbr>`);
    assert.equal(parsePage(html, FILE).messages[0].call, { kind: "received" }, title);
  }
});

test("a call of unknown kind", () => {
  const html = callPage("Something from", JOE, "", "#inbox");
  refuses("ERR_PAGE_CALL_KIND", html, /says nowhere/);
});

test("nesting without end", () => {
  refuses("ERR_PAGE_NESTING", `${HEAD}<body>${"<div>".repeat(1_000_000)}`, /nested more than 64 deep/);
  refuses("ERR_PAGE_NESTING", textPage([message("<a>".repeat(3) + "<span>".repeat(2_000_000), "x")]), /nested/);
});

test("numbers, names, labels and references without end", () => {
  const long = "9".repeat(1_000_000);
  for (const html of [
    textPage([message(tel(long, "Joe"), "a")]),
    textPage([message(tel("1", long), "a")]),
    textPage([message(JOE, "a", `<img src="${long}">`)]),
    textPage([], "", "", `#${long}`),
    textPage([], long),
  ]) {
    refuses("ERR_PAGE_FIELD_TOO_LONG", html, /has 1000000 characters/);
  }
});

test("text, attributes and tags of millions of characters are read in linear time", () => {
  const million = 1_000_000;
  for (const inside of [" ".repeat(million), "\n ".repeat(million), "&#10;".repeat(million), "<br>".repeat(million)]) {
    assert.is(parsePage(textPage([message(JOE, `a${inside}b`)]), FILE).messages.length, 1);
  }
  const attribute = `<b data-x="${"y".repeat(5 * million)}">b</b>`;
  assert.is(parsePage(textPage([message(JOE, attribute)]), FILE).messages[0].text, "b");
  const links = `${ME} `.repeat(20_000);
  assert.is(parsePage(textPage([message(JOE, "", links)]), FILE).names.links.length, 20_001);
});

test("a page cut anywhere before its tail ends is refused; whatever is read is whole", () => {
  for (const html of [
    textPage([message(JOE, "one<br>two"), message(ME, "three", '<div><img src="x-2-1" /></div>')], "Joe"),
    callPage("Voicemail from", JOE, '<span class="full-text">Hi</span><audio src="x.mp3"></audio>'),
  ]) {
    const whole = parsePage(html, FILE);
    const end = html.lastIndexOf("False</div>") + "False</div>".length;
    for (let cut = 0; cut < html.length; cut++) {
      const result = attempt(html.slice(0, cut));
      if (cut >= end) assert.equal(result, whole, `cut at ${cut}`);
      else assert.instance(result, PageError, `cut at ${cut}`);
    }
  }
});

test("a cut inside the log is called that, and says how far the page goes", () => {
  const html = textPage([message(JOE, "one"), message(JOE, "two")]);
  refuses("ERR_PAGE_TRUNCATED", html.slice(0, html.indexOf("two")), /2 messages or calls begin/);
  refuses("ERR_PAGE_TRUNCATED", html.slice(0, html.indexOf("one")), /1 message or call begins/);
  refuses("ERR_PAGE_TRUNCATED", HEAD, /0 messages or calls begin/);
});

test("a page whose middle is missing is refused where that shows", () => {
  const html = textPage([message(JOE, "one"), message(ME, "two"), message(JOE, "three")]);
  const boundary = '</div> <div class="message">';
  refuses("ERR_PAGE_DAMAGED", html.replace(boundary, ""), /a part in the middle is missing/);
  refuses("ERR_PAGE_DAMAGED", html.replace('<div class="message">', ""), /a part in the middle is missing/);
  // With the end of one message, its own begin is gone, too: the others still count.
  const whole = html.replace(message(ME, "two"), "</div>");
  assert.equal(
    parsePage(whole, FILE).messages.map(({ text }) => text),
    ["one", "three"],
  );
});

test("an error's message shows a hostile file name harmlessly", () => {
  assert.is(quoteFileName('a"\n\u001b[31m\u009b\u202e.html'), '"a\\"\\n\\u001b[31m\\u009b\\u202e.html"');
  assert.ok(quoteFileName("x".repeat(5000)).length < 220);
});

test("an error gives its three fields to JSON", () => {
  const error = attempt("") as PageError;
  assert.equal(JSON.parse(JSON.stringify(error)), { file: FILE, code: "ERR_PAGE_EMPTY", message: error.message });
});

const PAGES = (() => {
  const plan = new TakeoutPlan(150, 7);
  return Array.from({ length: 150 }, () => plan.next());
})();
const FRAGMENTS = [
  "</html>", "</div>", "</q>", "</a>", "<div>", "<div class=\"message\">", "<div class=\"hChatLog\">", "<div class=haudio>",
  "<q>", "<a class=\"tel\" href=\"tel:", "<span class=fn>", "<cite class=\"sender\">", "<!--", "-->", "<![CDATA[", "<script>",
  "<style>", "<title>", "<svg>", "<form>", "<p>", "<br>", "<plaintext>", "&", "&#0;", "&#x110000;", "\0", "\"", "<", ">", "'",
  "<abbr class=\"dt\" title=\"", "__proto__", "<div class=\"deletedStatusContainer\">", "\ud800", "<table><tr><td>",
]; // biome-ignore format: a list

const edit = fc.oneof(
  fc.record({ kind: fc.constant("cut" as const), at: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat(400) }),
  fc.record({
    kind: fc.constant("insert" as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    text: fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 20, unit: "binary" })),
  }),
  fc.record({
    kind: fc.constant("copy" as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(400),
  }),
);
const edits = fc.array(edit, { minLength: 1, maxLength: 12, size: "max" });
const anyPage = fc.nat(PAGES.length - 1).map((i) => PAGES[i]);

test("a page cut anywhere gives the whole page or a PageError", () => {
  fc.assert(
    fc.property(anyPage, fc.double({ min: 0, max: 1, noNaN: true }), ({ html, fileName }, share) => {
      const bytes = Buffer.from(html);
      const result = attempt(bytes.subarray(0, Math.floor(share * bytes.length)), fileName);
      if (!(result instanceof PageError)) assert.equal(result, parsePage(html, fileName));
    }),
    { numRuns: 1500 },
  );
});

test("a page edited anyhow gives a page of the right shape or a PageError", () => {
  fc.assert(
    fc.property(anyPage, edits, ({ html, fileName }, changes) => {
      let text = html;
      for (const change of changes) {
        const at = Math.floor(change.at * text.length);
        if (change.kind === "cut") text = text.slice(0, at) + text.slice(at + change.length);
        else if (change.kind === "insert") text = text.slice(0, at) + change.text + text.slice(at);
        else text = text.slice(0, at) + text.slice(at, at + change.length) + text.slice(at);
      }
      wellFormed(attempt(text, fileName));
    }),
    { numRuns: 3000 },
  );
});

test("bytes changed anyhow give a page of the right shape or a PageError", () => {
  const flips = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 30,
    size: "max",
  });
  fc.assert(
    fc.property(anyPage, flips, ({ html, fileName }, changes) => {
      const bytes = Buffer.from(html);
      for (const [at, value] of changes) bytes[Math.floor(at * (bytes.length - 1))] = value;
      wellFormed(attempt(bytes, fileName));
    }),
    { numRuns: 1500 },
  );
});

test("any text and any file name give a PageError", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (text, fileName) => {
      assert.instance(attempt(text, fileName), PageError);
    }),
    { numRuns: 1000 },
  );
});

function wellFormed(result: Page | PageError): void {
  if (result instanceof PageError) {
    assert.match(result.code, /^ERR_PAGE_/);
    return;
  }
  for (const { timestamp, time, type, sender, text, attachments } of result.messages) {
    assert.ok(Number.isSafeInteger(timestamp));
    assert.is(timestamp, Date.parse(time.replace(/(\.\d{3})\d+/, "$1")));
    assert.ok(["sms", "mms", "call", "voicemail"].includes(type));
    assert.ok(typeof sender === "string" && typeof text === "string");
    for (const { ref } of attachments) assert.not.equal(ref, "");
  }
  if (!result.group) assert.ok(result.participants.length > 0);
}

test.run();
