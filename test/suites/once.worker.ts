// Roles of the workers of once-suite.ts.
import { Once, type OnceHandle } from "../../src/index.ts";
import { withoutSlices } from "../support/lock-backends.ts";
import { ready, type VictimData } from "../support/victim.ts";
import { data, finish, step } from "../support/watchdog.ts";

const { role, handle, words } = data<{ role: string; handle: OnceHandle; words: Int32Array }>();
const once = Once.from(handle);
// A promise that is never settled keeps nothing alive: an eager collector (Bun's) takes the region, whose hold then ends.
Object.assign(globalThis, { once });
/** words: [times run, filled, gate, inside]; filled and inside are plain, so that only the once orders them. */
const fill = (): void => {
  if (words[3] !== 0) throw new Error("two run at once");
  words[3] = 1;
  Atomics.add(words, 0, 1);
  for (let k = 0; k < 1000; k++) words[1]++;
  words[3] = 0;
};

if (role === "call") {
  withoutSlices();
  step("calling");
  const ran = once.call(fill);
  finish({ ran, filled: words[1] });
} else if (role === "callAsync") {
  withoutSlices();
  step("calling");
  const ran = await once.callAsync(async () => {
    await Promise.resolve();
    fill();
  });
  finish({ ran, filled: words[1] });
} else if (role === "throws") {
  withoutSlices();
  step("calling");
  let result: boolean | string;
  try {
    result = once.call(() => {
      const attempt = Atomics.add(words, 0, 1) + 1;
      if (attempt < 4) throw new Error(`attempt ${attempt}`);
    });
  } catch (error) {
    result = (error as Error).message;
  }
  finish(result);
} else if (role === "blocks inside") {
  once.call(() => {
    step("inside");
    Atomics.wait(words, 2, 0);
  });
  finish(true);
} else if (role === "victim") {
  const victim = data<VictimData>();
  if (victim.ending === "an uncaught error") {
    void once.callAsync(
      () =>
        new Promise(() => {
          ready(victim);
        }),
    );
  } else once.call(() => ready(victim));
} else if (role === "waits with slices") {
  step("waiting");
  finish(once.call(() => undefined));
} else if (role === "awaits with slices") {
  const called = once.callAsync(() => undefined);
  step("awaits");
  finish(await called);
}
