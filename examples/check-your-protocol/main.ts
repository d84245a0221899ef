// Checks the broken lock, then the fixed one, with 2 and with 3 threads: node dist/examples/check-your-protocol/main.js
// In a program of your own, import from "holdfast/testing".
import { explore } from "../../src/testing/index.ts";
import { brokenLock, fixedLock, unlock } from "./protocol.ts";

function memory() {
  return {
    word: new Int32Array(new SharedArrayBuffer(4)),
    count: new Int32Array(new SharedArrayBuffer(4)),
  };
}

for (const [name, lock] of [
  ["broken", brokenLock],
  ["fixed", fixedLock],
] as const) {
  for (const threads of [2, 3]) {
    const result = await explore({
      memory: memory(),
      names: { word: [{ name: "word", show: (v) => ["FREE", "HELD", "HELD_WAITERS"][Number(v)] }] },
      threads: Array.from({ length: threads }, () => ({ word, count }: ReturnType<typeof memory>) => {
        lock(word);
        count[0]++; // Plain: if two threads were in here at once, the checker would report a race.
        unlock(word);
      }),
      final: ({ count }) => count[0] === threads,
    });
    const extent = `${result.states} states, ${result.schedules} runs`;
    if (result.failure === undefined) console.log(`${name}, ${threads} threads: no interleaving fails (${extent})`);
    else console.log(`${name}, ${threads} threads: ${result.failure}\n`);
  }
}
