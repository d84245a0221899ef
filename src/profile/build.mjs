// Builds the script and the style of the profiler's page into src/profile/render/page-assets.ts, which the report embeds.
// The sources are src/profile/page/main.ts, what it imports, and style.css.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { build } from "rolldown";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

async function script() {
  const { output } = await build({
    input: at("page/main.ts"),
    platform: "browser",
    write: false,
    logLevel: "warn",
    transform: { target: ["es2022", "chrome110", "firefox110", "safari16"] },
    optimization: { inlineConst: { mode: "all", pass: 3 } },
    output: { format: "iife", minify: true, comments: false },
  });
  return output[0].code.trim();
}

async function style() {
  const options = { loader: "css", minify: true, target: ["chrome110", "firefox110", "safari16"] };
  return (await transform(readFileSync(at("page/style.css"), "utf8"), options)).code.trim();
}

const [pageScript, pageStyle] = await Promise.all([script(), style()]);
// In an HTML element, nothing else could end it early.
if (/<\/script|<!--/i.test(pageScript) || /<\/style/i.test(pageStyle))
  throw new Error("The page's sources would end their element.");

const output = at("render/page-assets.ts");
const text = `// Made by src/profile/build.mjs from src/profile/page: the script and the style of the page.
export const PAGE_SCRIPT: string = ${JSON.stringify(pageScript)};
export const PAGE_STYLE: string = ${JSON.stringify(pageStyle)};
`;
const old = (() => {
  try {
    return readFileSync(output, "utf8");
  } catch {
    return "";
  }
})();
if (old !== text) writeFileSync(output, text);
process.stdout.write(`the profiler's page: ${pageScript.length + pageStyle.length} bytes\n`);
