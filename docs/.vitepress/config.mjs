// The documentation's site: `npm run docs` in the repository's root. A dead link fails the build.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";

const here = fileURLToPath(new URL("../", import.meta.url));

const page = (text, name) => ({ text, link: `/${name}` });

/** The generated pages of a folder, as deep as they lie. */
function generated(folder) {
  const path = join(here, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => name !== "index.md")
    .sort()
    .map((name) =>
      statSync(join(path, name)).isDirectory()
        ? { text: name, link: entryOf(`${folder}/${name}`), collapsed: true, items: generated(`${folder}/${name}`) }
        : page(name.slice(0, -".md".length), `${folder}/${name.slice(0, -".md".length)}`),
    );
}

const entryOf = (folder) => (existsSync(join(here, folder, "index.md")) ? `/${folder}/` : undefined);

/** Pages in order; those that other parts of the project bring along are there or not. */
const pages = (list) =>
  list.filter(([, name]) => existsSync(join(here, `${name}.md`))).map(([text, name]) => page(text, name));

export default defineConfig({
  title: "holdfast",
  description: "Safe, fast shared memory for JavaScript threads",
  cleanUrls: true,
  // Without one, browsers ask for /favicon.ico.
  head: [
    [
      "link",
      {
        rel: "icon",
        href: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path d='M4 7V5a4 4 0 0 1 8 0v2h1v7H3V7zm2 0h4V5a2 2 0 0 0-4 0z' fill='%233451b2'/></svg>",
      },
    ],
  ],
  ignoreDeadLinks: false,
  // Headings are called as GitHub calls them, so that links hold in both places.
  markdown: {
    anchor: {
      slugify: (text) =>
        text
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\s_-]/gu, "")
          .replace(/\s+/g, "-"),
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [page("Start", "start"), page("Errors", "errors"), page("Reference", "reference/")],
    sidebar: [
      {
        text: "Learn",
        items: pages([
          ["In five minutes", "start"],
          ["Which lock when", "which-lock"],
          ["Sharing between threads", "sharing"],
          ["Async and event loops", "async"],
          ["When a worker dies", "worker-death"],
          ["Deadlocks", "deadlocks"],
          ["Fairness", "fairness"],
          ["Tables", "tables"],
          ["In the browser", "browser"],
        ]),
      },
      {
        text: "Know",
        items: pages([
          ["Memory layout", "memory-layout"],
          ["Performance and limits", "performance"],
          ["Runtimes", "runtimes"],
          ["Errors", "errors"],
          ["Profiling", "profiling"],
          ["Checking your own protocol", "model-checking"],
          ["Benchmarks", "benchmarks"],
          ["The documents' numbers", "targets"],
        ]),
      },
      {
        text: "Come from elsewhere",
        items: pages([
          ["Python's threading", "from-python"],
          ["Java", "from-java"],
          ["Rust", "from-rust"],
          ["Go", "from-go"],
          ["Porting a whole system", "porting"],
        ]),
      },
      { text: "Reference", link: "/reference/", collapsed: true, items: generated("reference") },
    ],
  },
});
