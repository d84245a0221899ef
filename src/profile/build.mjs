// Builds the script and the style of the profiler's page into src/profile/render/page-assets.ts, which the report embeds.
// The sources are src/profile/page/main.ts, what it imports, and style.css.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

async function minified(path) {
  const { outputFiles } = await build({
    entryPoints: [at(path)],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: ["es2022", "chrome110", "firefox110", "safari16"],
    legalComments: "none",
    charset: "utf8",
    logLevel: "error",
  });
  return outputFiles[0].text.trim();
}

const script = await minified("page/main.ts");
const style = await minified("page/style.css");
// In an HTML element, nothing else could end it early.
if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style))
  throw new Error("The page's sources would end their element.");

const output = at("render/page-assets.ts");
const text = `// Made by src/profile/build.mjs from src/profile/page: the script and the style of the page.
export const PAGE_SCRIPT: string = ${JSON.stringify(script)};
export const PAGE_STYLE: string = ${JSON.stringify(style)};
`;
const old = (() => {
  try {
    return readFileSync(output, "utf8");
  } catch {
    return "";
  }
})();
if (old !== text) writeFileSync(output, text);
process.stdout.write(`the profiler's page: ${script.length + style.length} bytes\n`);
