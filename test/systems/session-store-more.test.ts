// What the session store promises beyond the tests that it was ported with: copies, rollback, keys, death, circles.
import * as assert from "uvu/assert";
import { Region } from "../../src/region/region.ts";
import { type JsonValue, SessionStore } from "../../src/systems/session-store.ts";
import { suite } from "../support/suite.ts";
import { codeOf } from "../support/thrown.ts";
import { runWorkers } from "../support/watchdog.ts";

const test = suite("systems/session-store-more");
const file = new URL("./session-store.worker.js", import.meta.url);
const make = (): SessionStore => new SessionStore({ region: Region.create() });

test("a throwing callback changes nothing, not what it nested either", () => {
  const store = make();
  store.setMultiple({ a: { list: [1] }, b: 1 });
  const second = SessionStore.from(store.share());
  const update = (): unknown =>
    store.atomicUpdate((state) => {
      (state.a as { list: number[] }).list.push(2);
      state.b = 2;
      store.set("b", 3);
      second.set("c", 4);
      assert.equal([second.get("b"), store.get("c")], [3, 4], "two objects of one store share the step");
      store.clearAll();
      assert.not(store.exists("a"));
      throw new RangeError("no");
    });
  assert.is(codeOf(update), "RangeError");
  assert.equal({ ...store.getMultiple(["a", "b", "c"]) }, { a: { list: [1] }, b: 1 });
});

test("an inner update that throws takes only its own changes back", () => {
  const store = make();
  store.atomicUpdate(() => {
    store.set("kept", 1);
    const inner = (): unknown =>
      store.atomicUpdate(() => {
        store.set("kept", 2);
        throw new RangeError("no");
      });
    assert.is(codeOf(inner), "RangeError");
    return { also: store.get("kept") };
  });
  assert.equal({ ...store.getMultiple(["kept", "also"]) }, { kept: 1, also: 1 });
});

test("changing what was handed out changes nothing in the store", () => {
  const store = make();
  const given = { list: [1] };
  store.set("a", given);
  given.list.push(2);
  (store.get("a") as { list: number[] }).list.push(3);
  store.atomicUpdate((state) => {
    (state.a as { list: number[] }).list.push(4);
    return undefined;
  });
  assert.equal(store.get("a"), { list: [1] });
});

test("an update may delete, and see only the keys that it names", () => {
  const store = make();
  store.setMultiple({ a: 1, b: 2 });
  store.atomicUpdate(
    (state) => {
      assert.equal({ ...state }, { a: 1 });
      return { a: undefined, c: 3 };
    },
    ["a", "z"],
  );
  assert.equal({ ...store.getMultiple(["a", "b", "c"]) }, { b: 2, c: 3 });
});

test("an async callback is refused and nothing has changed", () => {
  const store = make();
  assert.is(
    codeOf(() => store.atomicUpdate((async () => ({ a: 1 })) as never)),
    "TypeError",
  );
  assert.not(store.exists("a"));
});

test("any string is a key, and nothing else", () => {
  const store = make();
  for (const key of ["__proto__", "constructor", "", "5", "\u0000"]) {
    assert.not(store.exists(key));
    store.set(key, `value of ${key}`);
    assert.is(store.get(key), `value of ${key}`);
    assert.is(store.getMultiple([key])[key], `value of ${key}`);
    store.atomicUpdate((state) => Object.fromEntries([[key, `${state[key]}!`]]));
    assert.is(store.get(key), `value of ${key}!`);
  }
  for (const key of [5, undefined, null, {}])
    assert.is(
      codeOf(() => store.set(key as never, 1)),
      "TypeError",
    );
});

test("values that JSON would change are refused", () => {
  const store = make();
  const bad: unknown[] = [
    undefined,
    Number.NaN,
    Infinity,
    1n,
    () => 1,
    new Date(0),
    new Map(),
    [undefined],
    { a: { b: NaN } },
  ];
  for (const value of bad)
    assert.is(
      codeOf(() => store.set("a", value as JsonValue)),
      "TypeError",
      String(value),
    );
  assert.not(store.exists("a"));
  const twice = { x: 1 };
  store.set("a", [twice, twice, { left: undefined }]);
  assert.equal(store.get("a"), [{ x: 1 }, { x: 1 }, {}]);
});

test("a thread that is killed inside an update has changed nothing, and the next one gets the lock", async () => {
  const store = make();
  store.setMultiple({ left: "whole", right: "whole" });
  await runWorkers({
    file,
    count: 1,
    workerData: { job: "die", store: store.share() },
    mayDie: () => true,
    onMessage: (_message, _index, workers) => void workers[0].terminate(),
  });
  assert.equal({ ...store.getMultiple(["left", "right"]) }, { left: "whole", right: "whole" });
  store.set("left", "next");
  assert.is(store.get("left"), "next");
});

test("named: one store under one name; freed: ERR_CLOSED", () => {
  const region = Region.create();
  const store = SessionStore.named("shop", { region });
  SessionStore.named("shop", { region }).set("a", 1);
  const other = SessionStore.from(structuredClone(store.share()));
  assert.is(store.get("a"), 1);
  store.free();
  assert.is(
    codeOf(() => other.get("a")),
    "ERR_CLOSED",
  );
  assert.is(
    codeOf(() => SessionStore.from({ holdfast: "map" } as never)),
    "TypeError",
  );
});

test("100 keys take less than 1 MB, with locks and figures", () => {
  const region = Region.create();
  const store = new SessionStore({ region });
  store.set("first", 0);
  const before = region.stats().bytesUsed;
  for (let i = 0; i < 100; i++) store.set(`session ${i}`, { user: `user ${i}`, seen: [i] });
  assert.ok(region.stats().bytesUsed - before < 1_000_000);
});

test.run();
