// The compiled library as texts, which patches change and which are then loaded as one module: a file instead of a copy
// of the whole tree costs a mutant some tens of milliseconds instead of hundreds.
// Invariant: every patch fits exactly once, so that a mutant which no longer fits the code is an error, not a pass; and
// nothing is left out or moved within a module: the bundle is what the modules are, each loaded once, in their order.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";
import { MisfitError } from "./misfit.ts";

export interface Patch {
  /** Compiled file, relative to dist/src. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const FOLDERS = ["cells", "protocols", "region", "locks", "assembly", "tables"];
const dist = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "src");
const ENTRY = "entry.js";

let shipped: ReadonlyMap<string, string> | undefined;

function readShipped(): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(dist, folder))) {
      if (name.endsWith(".js")) texts.set(`${folder}/${name}`, readFileSync(join(dist, folder, name), "utf8"));
    }
  }
  return texts;
}

/** Texts of modules by their paths, relative to dist/src. */
export class Sources {
  readonly #texts: Map<string, string>;

  constructor() {
    shipped ??= readShipped();
    this.#texts = new Map(shipped);
  }

  read(file: string): string {
    const text = this.#texts.get(file);
    if (text === undefined) throw new MisfitError(`there is no file ${file}`);
    return text;
  }

  write(file: string, text: string): void {
    this.#texts.set(file, text);
  }

  edit(file: string, change: (text: string) => string): void {
    this.write(file, change(this.read(file)));
  }

  apply({ file, find, replace }: Patch): void {
    this.edit(file, (text) => {
      const parts = text.split(find);
      if (parts.length === 2) return parts.join(replace);
      throw new MisfitError(`the patch of ${file} fits ${parts.length - 1} times, not once: ${find}`);
    });
  }

  /** Loads the modules of these files, anew at each call, and what they import: their namespaces by the names given. */
  async load(modules: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
    const names = Object.entries(modules).map(([name, file]) => `export * as ${name} from "./${file}";\n`);
    this.write(ENTRY, names.join(""));
    const code = await this.#bundle();
    const folder = mkdtempSync(join(tmpdir(), "holdfast-model-"));
    try {
      const path = join(folder, "library.mjs");
      writeFileSync(path, code);
      return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #bundle(): Promise<string> {
    const resolveId = (name: string, importer: string | undefined): string | undefined =>
      name.startsWith(".") ? posix.join(posix.dirname(importer ?? ENTRY), name) : undefined;
    const bundle = await rolldown({
      input: `./${ENTRY}`,
      // Node's modules, and those of the checker: it is one, for all copies of the library.
      external: /^(?:node:|file:)/,
      plugins: [{ name: "texts", resolveId, load: (id) => this.read(id) }],
      treeshake: false,
      logLevel: "silent",
    });
    try {
      return (await bundle.generate({ format: "esm", minify: false })).output[0].code;
    } finally {
      await bundle.close();
    }
  }
}
