// The report as one HTML file: style, data and script inside, nothing fetched. The script and the style are built from
// src/profile/page.
//
// Invariant: whatever the names in the profile, the data ends where it should: it is JSON in which `<` is spelled as an
// escape, so it can neither close the element nor open a comment. The page's policy forbids it to load anything.

import type { Profile } from "../types.ts";
import { PAGE_SCRIPT, PAGE_STYLE } from "./page-assets.ts";
import { type PageData, pageDataOf, REPORT_LIMITS } from "./page-data.ts";
import { terminalTable } from "./terminal.ts";

/** JSON that may stand inside a script element. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}

const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The whole page. A live one asks its server for updates under its own address. */
export function htmlPage(data: PageData, live: boolean, withoutScript: string): string {
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
base-uri 'none'; form-action 'none'; connect-src ${live ? "'self'" : "'none'"}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Where threads waited</title>
<style>${PAGE_STYLE}</style>
</head>
<body${live ? " data-live" : ""}>
<main id="app"></main>
<noscript><p>This page needs JavaScript to show the profile. What it says, as text:</p><pre>${escapeText(withoutScript)}</pre></noscript>
<script type="application/json" id="data">${jsonForScript(data)}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

/**
 * The profile as one self-contained HTML page: what to look at first in words, locks by total wait, who blocked whom,
 * histograms, a timeline of each thread, the shards of tables. It fetches nothing and needs no server.
 */
export function htmlReport(profile: Profile): string {
  return htmlPage(pageDataOf(profile, REPORT_LIMITS), false, terminalTable(profile));
}
