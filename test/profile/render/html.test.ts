import { suite } from "uvu";
import * as assert from "uvu/assert";
import { htmlReport } from "../../../src/profile/render/html.ts";
import { LIVE_LIMITS, type PageData, pageDataOf, REPORT_LIMITS } from "../../../src/profile/render/page-data.ts";
import { emptyProfile, HOSTILE, hostileProfile, hotProfile, largeProfile, lockOf } from "../../support/profiles.ts";

const test = suite("profile: HTML report");

function dataIn(html: string): PageData {
  const found = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html);
  return JSON.parse(found?.[1] ?? "");
}

test("the data in the page is what was made of the profile", () => {
  for (const profile of [hotProfile(), hostileProfile(), emptyProfile()]) {
    assert.equal(dataIn(htmlReport(profile)), JSON.parse(JSON.stringify(pageDataOf(profile, REPORT_LIMITS))));
  }
});

test("names end no element: as many tags as without them", () => {
  const tags = (html: string): number =>
    html.match(/<\/?(?:script|style|noscript|pre|main|body|img|!--)/gi)?.length ?? 0;
  assert.is(tags(htmlReport(hostileProfile())), tags(htmlReport(hotProfile())));
});

test("it names no address to fetch from, and its policy would forbid it", () => {
  const html = htmlReport(hotProfile());
  const addresses = html.match(/(?:https?:)?\/\/[a-z0-9.-]+\.[a-z]{2,}[^\s"'`]*/gi) ?? [];
  assert.equal(
    addresses.filter((address) => address !== "http://www.w3.org/2000/svg"),
    [],
  );
  assert.match(html, "default-src 'none'");
  assert.match(html, "connect-src 'none'");
});

test("equal profiles give equal bytes", () => {
  assert.is(htmlReport(largeProfile(50, 4, 500)), htmlReport(largeProfile(50, 4, 500)));
});

test("without JavaScript the page still says it all as text", () => {
  const html = htmlReport(hotProfile());
  assert.match(html, /<noscript>.*Threads waited 3\.62 s in all.*Mutex "counter" +3\.20 s.*<\/noscript>/s);
  assert.not.match(/<noscript>(.*)<\/noscript>/s.exec(htmlReport(hostileProfile()))?.[1] ?? "", /<(?!\/?(?:p|pre)>)/);
});

test("a large profile is cut to the limits, the longest kept, and that is said", () => {
  const profile = largeProfile(300, 16, 20_000);
  const data = pageDataOf(profile, LIVE_LIMITS);
  assert.is(data.locks.length, 300);
  assert.is(data.spans.length, LIVE_LIMITS.spans);
  assert.ok(
    data.findings.some(
      ({ level, text }) => level === "note" && text.startsWith("This page shows the 5,000 longest of"),
    ),
  );
  const shortest = Math.min(...data.spans.map((span) => span[4]));
  const longer = profile.spans.filter(({ length }) => length > shortest).length;
  assert.ok(longer <= LIVE_LIMITS.spans, `${longer} spans are longer than the shortest one kept`);
  assert.is(data.locks.filter(({ threads }) => threads.length > 0).length, LIVE_LIMITS.lockThreads);
});

test("sites, spans and shards refer to their locks and threads; those of unknown ones are left out", () => {
  const hot = hotProfile();
  const stray = {
    ...hot,
    spans: [...hot.spans, { thread: 99, lock: "1:4096", what: "wait", start: 0, length: 1 } as const],
  };
  const data = pageDataOf({ ...stray, sites: [...hot.sites, { ...hot.sites[0], lock: "9:9" }] }, REPORT_LIMITS);
  assert.is(data.spans.length, hot.spans.length);
  assert.is(data.sites.length, hot.sites.length);
  for (const [thread, lock] of data.spans) assert.ok(thread < data.threads.length && lock < data.locks.length);
});

test("numbers that JSON lacks don't reach it: an open last bin, a count that is no number", () => {
  const lock = lockOf({ id: "1:1", name: "a", wait: 10, contended: 1, acquisitions: 1, hold: 1 }, [1], () => 0.5);
  const open = { bounds: [100, Number.POSITIVE_INFINITY], counts: [1, 2] };
  const text = JSON.stringify(pageDataOf({ ...hotProfile(), locks: [{ ...lock, waits: open }] }, REPORT_LIMITS));
  assert.not.match(text, "null");
  assert.equal((JSON.parse(text) as PageData).locks[0].waits, [0, 100, 1, 200, 2]);
});

test("hostile names are shown, only what can't be printed is replaced", () => {
  const { locks } = pageDataOf(hostileProfile(), REPORT_LIMITS);
  assert.is(locks[0].title, `Mutex "${HOSTILE[0]}"`);
  assert.match(locks[2].title, "\uFFFD[2J\uFFFD[31mred\uFFFDsecond line");
});

test.run();
