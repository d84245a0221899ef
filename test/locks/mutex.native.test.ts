// The Mutex suite in a region whose threads sleep natively, where the native part is built.

import { test } from "uvu";
import { nativePart } from "../../src/cells/native.ts";
import { Region } from "../../src/region/region.ts";
import { mutexSuite } from "../suites/mutex-suite.ts";

if (nativePart() === undefined) {
  console.log("skipped: the native part is not built (npm run build:native)");
  test.skip("Mutex: native parking", () => undefined);
  test.run();
} else {
  mutexSuite({ name: "native parking", region: () => Region.create({ parking: "native" }), env: () => ({}) });
}
