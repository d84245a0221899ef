// The shipped Event, Latch and Once as models: the public classes, in the places of place.ts.
//
// What was done before a set, a count-down or a call is a plain write, and what comes after the wait reads it plainly: if
// the wait were passed too early, the checker would report the race.
import { checkpoint } from "../../src/testing/markers.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";
import { type Here, Places, unless } from "./place.ts";

export function eventModels(library: Library): readonly Model[] {
  const p = new Places(library);
  const { Event } = library.event;
  const event = (h: Here, place = 0): InstanceType<typeof Event> => new Event({ region: h.region(place) });
  const make = (region: (place?: number) => never): void => {
    for (const place of [0, 1]) new Event({ region: region(place) });
  };
  const read = (h: Here): void => {
    if (h.words[p.data] !== 1) throw new Error("the wait was passed before the event was set");
  };
  const waiter = p.body((h) => {
    if (!event(h).wait()) throw new Error("a wait without a time-out timed out");
    read(h);
  });
  const patient = p.body((h) => {
    if (event(h).wait({ timeout: 10 })) read(h);
  });
  const task = p.body(async (h) => {
    await event(h).waitAsync();
    read(h);
  });
  const hasty = p.body(async (h) => {
    if (await event(h).waitAsync({ timeout: 10 })) read(h);
  });
  const aborted = p.body(async (h) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 5);
    const { signal } = controller;
    const ended = await event(h)
      .waitAsync({ signal })
      .catch((error: Error) => error.message);
    if (ended === true) read(h);
  });
  const setter = p.body((h) => {
    h.words[p.data] = 1;
    event(h).set();
  });
  const bare = p.body((h) => event(h).set());
  const bareWaiter = p.body((h) => event(h).wait());
  /** Sets and clears as soon as someone sleeps: the sleeper must go on all the same. */
  const pulse = p.body((h) => {
    while (Atomics.load(h.words, p.at) >= 0);
    h.words[p.data] = 1;
    event(h).set();
    event(h).clear();
  });
  const ping = p.body((h) => {
    const [mine, other] = h.index === 0 ? [0, 1] : [1, 0];
    if (h.index === 1) event(h, other).wait();
    event(h, other).clear();
    h.words[p.data + 1] = h.words[p.data + 1] + 1;
    event(h, mine).set();
    if (h.index === 0) event(h, other).wait();
  });
  return [
    p.model("event: 2 threads × 2, by turns", true, make, [
      { body: ping, rounds: 2 },
      { body: ping, rounds: 2 },
    ]),
    p.model("event: 2 waiters, 1 setter", true, make, [waiter, waiter, setter]),
    p.model("event: set and cleared beside a sleeper", true, make, [waiter, pulse]),
    p.model("event: a waiter with a time-out, a waiter, a setter", true, make, [patient, waiter, setter]),
    p.model("event: a task and a thread wait", true, make, [task, waiter, setter]),
    p.model("event: a task with a time-out and a thread wait", true, make, [hasty, waiter, setter]),
    p.model("event: a task that is aborted and a thread wait", true, make, [aborted, waiter, setter]),
    p.model("event: 2 setters, a death", true, make, [bareWaiter, bare, bare], p.crash()),
  ];
}

export function latchModels(library: Library): readonly Model[] {
  const p = new Places(library);
  const { Latch } = library.latch;
  const latch = (h: Here): InstanceType<typeof Latch> => new Latch({ region: h.region() });
  const count =
    (n: number) =>
    (region: () => never): void =>
      void new Latch({ region: region(), count: n });
  const read = (h: Here, n: number): void => {
    for (let i = 0; i < n; i++) if (h.words[p.data + i] !== 1) throw new Error("the latch opened too early");
  };
  const down = p.body((h) => {
    h.words[p.data + h.index] = 1;
    latch(h).countDown();
  });
  const downAndWait = p.body((h) => {
    h.words[p.data + h.index] = 1;
    latch(h).countDown();
    if (h.round === 1) {
      latch(h).wait();
      read(h, 2);
    }
  });
  const together = p.body((h) => {
    h.words[p.data + h.index] = 1;
    latch(h).countDown();
    latch(h).wait();
    read(h, 3);
  });
  const waiter = p.body((h) => {
    if (!latch(h).wait()) throw new Error("a wait without a time-out timed out");
    read(h, 2);
  });
  const patient = p.body((h) => {
    if (latch(h).wait({ timeout: 10 })) read(h, 2);
  });
  const task = p.body(async (h) => {
    await latch(h).waitAsync();
    read(h, 2);
  });
  const hasty = p.body(async (h) => {
    if (await latch(h).waitAsync({ timeout: 10 })) read(h, 2);
  });
  const bare = p.body((h) => latch(h).countDown());
  const bareWaiter = p.body((h) => latch(h).wait());
  return [
    p.model(
      "latch: 2 threads × 2",
      true,
      count(4),
      [
        { body: downAndWait, rounds: 2 },
        { body: downAndWait, rounds: 2 },
      ],
      { plain: "ignore" },
    ),
    p.model("latch: 3 threads count down and wait", false, count(3), [together, together, together]),
    p.model("latch: 2 count down, 1 waits", true, count(2), [down, down, waiter]),
    p.model("latch: 2 count down, 1 waits with a time-out", true, count(2), [down, down, patient]),
    p.model("latch: 2 count down, a task waits", true, count(2), [down, down, task]),
    p.model("latch: 2 count down, a task waits with a time-out", true, count(2), [down, down, hasty]),
    p.model("latch: one count is enough, a death", true, count(1), [bare, bare, bareWaiter], p.crash()),
  ];
}

export function onceModels(library: Library): readonly Model[] {
  const p = new Places(library);
  const { Once } = library.once;
  const once = (h: Here): InstanceType<typeof Once> => new Once({ region: h.region() });
  const make = (region: () => never): void => void new Once({ region: region() });
  const run = (h: Here): void => {
    h.words[p.data] = h.words[p.data] + 1;
  };
  const read = (h: Here, most = 1): void => {
    const n = h.words[p.data];
    if (n < 1 || n > most) throw new Error(`after the call it has run ${n} times`);
  };
  const caller = p.body((h) => {
    once(h).call(() => run(h));
    read(h);
  });
  const mourner = p.body((h) => {
    const it = once(h);
    it.call(() => {
      checkpoint("inside");
      run(h);
      checkpoint("done");
    });
    checkpoint("called");
    read(h, 2);
  });
  const failing = p.body((h) => {
    try {
      once(h).call(() => {
        throw new Error("no");
      });
      read(h);
    } catch (error) {
      if ((error as Error).message !== "no") throw error;
    }
  });
  const patient = p.body((h) => {
    if (unless(["ERR_TIMEOUT"], () => once(h).call(() => run(h), { timeout: 10 })) !== "timed out") read(h);
  });
  const task = p.body(async (h) => {
    await once(h).callAsync(async () => {
      await Promise.resolve();
      run(h);
    });
    read(h, 2);
  });
  const two = { rounds: 2 };
  return [
    p.model("once: 2 threads × 2", true, make, [
      { body: caller, ...two },
      { body: caller, ...two },
    ]),
    p.model("once: 3 threads × 1", true, make, [caller, caller, caller]),
    p.model(
      "once: 2 threads × 2, a death",
      true,
      make,
      [
        { body: mourner, ...two },
        { body: mourner, ...two },
      ],
      p.crash(),
    ),
    p.model("once: 3 threads × 1, a death", false, make, [mourner, mourner, mourner], p.crash()),
    p.model("once: one throws, the next one runs", true, make, [failing, caller, caller]),
    p.model("once: a time-out beside 2 callers", false, make, [patient, caller, caller]),
    p.model("once: a task and 2 threads", true, make, [task, caller, caller]),
    p.model("once: a task and a thread, a death", true, make, [task, mourner], p.crash()),
  ];
}
