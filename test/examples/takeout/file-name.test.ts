import { test } from "uvu";
import * as assert from "uvu/assert";
import { compareFileNames, isPageName, parseFileName } from "../../../examples/takeout/file-name.ts";

const STAMP = "2020-07-08T23_30_11Z";
const TIME = Date.UTC(2020, 6, 8, 23, 30, 11);

/** name, action, group, duplicate of a page that has the stamp. */
const PAGES: readonly (readonly [string, string, string | undefined, boolean, number])[] = [
  [`+12025550149 - Text - ${STAMP}.html`, "+12025550149", "Text", false, 0],
  [`Joe Smith - Missed - ${STAMP}.html`, "Joe Smith", "Missed", false, 0],
  [`Joe Smith - Cell - Text - ${STAMP}.html`, "Joe Smith - Cell", "Text", false, 0],
  [`Joe - Text - Missed - ${STAMP}.html`, "Joe - Text", "Missed", false, 0],
  [`- Missed - ${STAMP}.html`, "", "Missed", false, 0],
  [` - Voicemail - ${STAMP}.html`, "", "Voicemail", false, 0],
  [`+14016660192 - ${STAMP}.html`, "+14016660192", undefined, false, 0],
  [`- ${STAMP}.html`, "", undefined, false, 0],
  [`54321 - Recorded - ${STAMP}.html`, "54321", "Recorded", false, 0],
  [`Group Conversation - ${STAMP}.html`, "Group Conversation", undefined, true, 0],
  [`Group Conversation - ${STAMP} (3).html`, "Group Conversation", undefined, true, 3],
  [`Group Conversation - Text - ${STAMP}.html`, "Group Conversation", "Text", false, 0],
  [`+17855550115 - Text - ${STAMP} (2).html`, "+17855550115", "Text", false, 2],
  [`Plumber (24) - Placed - ${STAMP}(1).html`, "Plumber (24)", "Placed", false, 1],
  [`a.b.c - Received - ${STAMP}.HTML`, "a.b.c", "Received", false, 0],
  [`🦊 - Text - ${STAMP}.html`, "🦊", "Text", false, 0],
  [`Voicemail - Voicemail - ${STAMP}.html`, "Voicemail", "Voicemail", false, 0],
];

test("a page's name gives name, action, group, stamp and duplicate", () => {
  for (const [fileName, name, action, group, duplicate] of PAGES) {
    const parsed = parseFileName(fileName);
    assert.equal(
      [parsed.name, parsed.action, parsed.group, parsed.duplicate, parsed.timestamp, parsed.extension],
      [name, action, group, duplicate, TIME, "html"],
      fileName,
    );
    assert.is(parsed.attachment, undefined);
  }
});

test("an attachment's name gives its page's base, the message and the attachment", () => {
  const parsed = parseFileName(`Joe - Text - ${STAMP}-30-2.amr`);
  assert.is(parsed.base, `Joe - Text - ${STAMP}`);
  assert.is(parsed.base, parseFileName(`Joe - Text - ${STAMP} (1).html`).base);
  assert.equal(parsed.attachment, { message: 30, index: 2 });
  assert.is(parsed.extension, "amr");
  assert.is(parseFileName(`Joe - Text - ${STAMP}-1-1(2).jpg`).duplicate, 2);
});

test("a name of another form is kept whole", () => {
  for (const [fileName, name, extension] of [
    ["sms2.html", "sms2", "html"],
    ["Bills (1).html", "Bills (1)", "html"],
    ["Very long name - Text - 2020-07-08T23_3.html", "Very long name - Text - 2020-07-08T23_3", "html"],
    ["", "", ""],
    [".html", "", "html"],
    ["no extension", "no extension", ""],
  ]) {
    const parsed = parseFileName(fileName);
    assert.equal([parsed.name, parsed.base, parsed.extension], [name, name, extension]);
    assert.equal([parsed.action, parsed.timestamp, parsed.group, parsed.duplicate], [undefined, undefined, false, 0]);
  }
});

test("a stamp that is no date gives no time, and the rest of the name", () => {
  for (const stamp of ["2020-13-08T23_30_11Z", "2021-02-29T00_00_00Z", "2020-07-08T25_30_11Z"]) {
    const parsed = parseFileName(`Joe - Text - ${stamp}.html`);
    assert.equal([parsed.name, parsed.action, parsed.timestamp], ["Joe", "Text", undefined]);
  }
});

test("folders before the name do not matter", () => {
  assert.is(parseFileName(`Takeout/Voice/Calls/Joe - Text - ${STAMP}.html`).name, "Joe");
});

test("pages are told from media by their extension", () => {
  assert.ok(isPageName("x.html") && isPageName("x.HTM"));
  assert.not(isPageName("x.html.jpg") || isPageName("html") || isPageName("x.mp3"));
});

test("names are ordered by code units, whatever the locale", () => {
  const names = ["b", "a", "B", "ä", "+1", " x", "- x", "🦊", "\uffff", "a", "Z"];
  const sorted = [...names].sort(compareFileNames);
  assert.equal(sorted, [" x", "+1", "- x", "B", "Z", "a", "a", "b", "ä", "🦊", "\uffff"]);
  assert.equal([...names].reverse().sort(compareFileNames), sorted);
});

test.run();
