// Compiles the protocols to WebAssembly and embeds the bytes: writes src/assembly/core-bytes.ts.
//
// The sources are the same TypeScript files that tsc compiles (src/protocols). AssemblyScript reads them through the hook
// below, which gives it cells.as in place of src/cells/atomics.ts and park.ts, and drops what only TypeScript understands: the `.ts`
// endings and the `type` words of imports. So the code that the model checker explores is the code that runs.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const here = dirname(fileURLToPath(import.meta.url));
const source = resolve(here, "..");
const output = join(here, "core-bytes.ts");

// `load` and `store` are built-ins of AssemblyScript: inside the cells the exported functions get other names.
const RENAMED = { load: "atomicLoad", store: "atomicStore" };

function forAssemblyScript(text) {
  return text
    .replace(/from "([^"]+)\.ts"/g, 'from "$1"')
    .replace(/\bimport type \{/g, "import {")
    .replace(/import \{([^}]*)\} from "([^"]*cells\/atomics)"/g, (_, names, from) => {
      const kept = names
        .split(",")
        .map((name) => name.trim().replace(/^type /, ""))
        .filter((name) => name !== "" && name !== "i32")
        .map((name) => (RENAMED[name] ? `${RENAMED[name]} as ${name}` : name));
      return kept.length === 0 ? "" : `import { ${kept.join(", ")} } from "${from}"`;
    });
}

function cells() {
  let text = readFileSync(join(here, "cells.as"), "utf8");
  for (const [name, renamed] of Object.entries(RENAMED))
    text = text.replace(`function ${name}(`, `function ${renamed}(`);
  return text;
}

function readFile(name) {
  try {
    if (name === "assembly/exports.ts") return readFileSync(join(here, "exports.as"), "utf8");
    if (name === "cells/atomics.ts" || name === "cells/park.ts") return cells();
    if (!/^protocols\/[\w-]+\.ts$/.test(name)) return null;
    return forAssemblyScript(readFileSync(join(source, name), "utf8"));
  } catch {
    return null;
  }
}

let wasm;
const result = await asc.main(
  [
    "assembly/exports.ts",
    "--outFile=core.wasm",
    "--enable=threads",
    "--sharedMemory",
    "--importMemory",
    "--initialMemory=1",
    "--maximumMemory=65536",
    "--runtime=stub",
    "-O3",
    "--noAssert",
    "--use=abort=",
  ],
  {
    readFile,
    writeFile: (name, contents) => {
      if (name === "core.wasm") wasm = contents;
    },
    listFiles: () => [],
  },
);
if (result.error || wasm === undefined) {
  process.stderr.write(`${result.stderr.toString()}\n`);
  throw result.error ?? new Error("AssemblyScript gave no module");
}

// Hexadecimal: longer than base64, and shorter once the package is compressed, since bytes that recur look alike.
const hex = Buffer.from(wasm).toString("hex");
writeFileSync(
  output,
  `// Made by src/assembly/build.mjs from src/protocols: the WebAssembly module of the fast path, ${wasm.length} bytes.
export const CORE_BYTES: string =
  "${hex}";
`,
);
process.stdout.write(`core.wasm: ${wasm.length} bytes\n`);
