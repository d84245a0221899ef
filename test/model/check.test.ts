// watchdog: 300s
// The short form of check:model: the small models of every protocol, and all mutants that they catch.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { withLibrary } from "./library.ts";
import { protocols } from "./protocols.ts";
import { searchMutant, searchProtocol } from "./search.ts";

const test = suite("check:model, short form");

for (const protocol of protocols) {
  test(`${protocol.name}: no interleaving fails`, async () => {
    const report = await searchProtocol(protocol, true, () => undefined);
    assert.equal(report.failures, []);
    assert.ok(report.exhaustive);
    assert.ok(report.crashes > 0);
    console.log(
      `  ${report.states.toLocaleString("en")} states, ${report.transitions.toLocaleString("en")} transitions`,
    );
  });

  test(`${protocol.name}: every mutant is caught`, async () => {
    const escaped: string[] = [];
    for (const mutant of protocol.mutants) {
      const { caught, name, how } = await searchMutant(protocol, mutant);
      if (!caught) escaped.push(`${name}: ${how}`);
    }
    assert.equal(escaped, []);
  });
}

test("a patch that does not fit exactly once is an error", async () => {
  for (const find of ["words", "no such text"]) {
    try {
      await withLibrary([{ file: "protocols/mutex.js", find, replace: "" }], async () => undefined);
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, /fits \d+ times, not once/);
    }
  }
});

test.run();
