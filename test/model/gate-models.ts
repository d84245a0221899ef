// The shipped Barrier and Semaphore as models: the public classes, in the places of place.ts.
//
// Plain words tell whether they keep their promise: a thread reads after the barrier what the others wrote before it, and
// counts plainly while it holds the only permit, so passing too early would be reported as a race.
import type { ThreadStatus } from "../../src/testing/judge.ts";
import { checkpoint } from "../../src/testing/markers.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";
import { type Here, type Options, Places, unless, values, type Words } from "./place.ts";

/** As in locks/semaphore-waits.ts and region/word-lock.ts: how long permits are kept for a task or a starver. */
const RESERVED_MS = 10;
const large: Partial<Options> = { states: 20e6, livelocks: "ignore" };
const few: Partial<Options> = { ...large, preemptions: 2 };

export function barrierModels(library: Library): readonly Model[] {
  const p = new Places(library);
  const { Barrier } = library.barrier;
  const barrier = (h: Here, action?: () => void): InstanceType<typeof Barrier> =>
    new Barrier({ region: h.region(), action });
  const make =
    (parties: number) =>
    (region: () => never): void =>
      void new Barrier({ region: region(), parties });
  const cross = (parties: number, action?: (h: Here) => void) =>
    p.body((h) => {
      h.words[p.data + h.index] = h.round + 1;
      const mine = barrier(h, action === undefined ? undefined : () => action(h)).wait();
      checkpoint(mine);
      for (let i = 0; i < parties; i++) {
        if (h.words[p.data + i] < h.round + 1) throw new Error("the barrier let a thread through too early");
      }
      return mine;
    });
  const indexes = (n: number) => (_w: Words, statuses: readonly ThreadStatus[]) => {
    const found = values(statuses).sort().join();
    if (found !== Array.from({ length: n }, (_, i) => i).join()) throw new Error(`the arrival indexes are ${found}`);
  };
  const patient = p.body((h) => {
    const mine = unless(["ERR_BROKEN_BARRIER"], () => barrier(h).wait({ timeout: 10 }));
    return mine === "timed out" ? "broken" : "passed";
  });
  const task = p.body(async (h) => {
    h.words[p.data + h.index] = 1;
    await barrier(h).waitAsync();
    if (h.words[p.data] + h.words[p.data + 1] !== 2) throw new Error("the barrier let a task through too early");
  });
  const aborted = p.body(async (h) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(Object.assign(new Error("enough"), { code: "ERR_BROKEN_BARRIER" })), 5);
    const { signal } = controller;
    return barrier(h)
      .waitAsync({ signal })
      .then(
        () => "passed",
        () => "broken",
      );
  });
  const expectant = p.body((h) =>
    unless(["ERR_BROKEN_BARRIER"], () => barrier(h).wait()) === "timed out" ? "broken" : "passed",
  );
  /** All who came to the end were let through, or none was. */
  const agreed = (_w: Words, statuses: readonly ThreadStatus[]): void => {
    if (new Set(values(statuses)).size > 1) throw new Error("one was let through and another was told that it broke");
  };
  /** An abort may come when all have been let through: the task is told so, the thread has passed. */
  const aborter = (_w: Words, statuses: readonly ThreadStatus[]): void => {
    if (values(statuses).join() === "passed,broken") throw new Error("the task was let through, the thread was not");
  };
  const act = (h: Here): void => {
    h.words[p.data + 3] = h.words[p.data + 3] + 1;
  };
  const resetter = p.body((h) => barrier(h).reset());
  const again = { body: cross(2), rounds: 2 };
  const patient2 = { body: patient, rounds: 2 };
  const apart = { plain: "ignore", states: 20e6 } as const;
  return [
    p.model("barrier: 2 threads × 1", true, make(2), [cross(2), cross(2)], { final: indexes(2) }),
    p.model("barrier: 2 threads × 2", true, make(2), [again, again], apart),
    p.model("barrier: a reset beside a thread", true, make(2), [{ body: expectant, daemon: true }, resetter], {
      final: (_w, statuses) => !values(statuses).includes("passed"),
    }),
    p.model("barrier: 3 threads × 1", false, make(3), [cross(3), cross(3), cross(3)], { final: indexes(3) }),
    p.model("barrier: 2 threads × 1, an action", true, make(2), [cross(2, act), cross(2, act)], {
      final: (w) => w[p.data + 3] === 1,
    }),
    p.model("barrier: 2 threads with a time-out", false, make(2), [patient, patient], { final: agreed }),
    p.model("barrier: a thread with a time-out, one without", true, make(2), [patient, expectant], { final: agreed }),
    p.model("barrier: 2 threads with a time-out, a death", true, make(2), [patient, patient], {
      ...p.crash(),
      ...large,
    }),
    p.model(
      "barrier: 3 threads, one with a time-out that lives, a death, no preemption",
      false,
      make(3),
      [{ body: patient, crash: false }, expectant, expectant],
      { ...p.crash(), ...large, preemptions: 0 },
    ),
    p.model("barrier: 2 threads × 2 with a time-out, a death", false, make(2), [patient2, patient2], {
      ...p.crash(),
      ...large,
    }),
    p.model("barrier: a task and a thread", true, make(2), [task, cross(2)]),
    p.model("barrier: a task that is aborted and a thread", true, make(2), [aborted, expectant], { final: aborter }),
    p.model(
      "barrier: a reset beside 2 threads with a time-out, at most 2 preemptions",
      false,
      make(2),
      [patient, patient, resetter],
      few,
    ),
  ];
}

export function semaphoreModels(library: Library): readonly Model[] {
  const p = new Places(library);
  const { Semaphore } = library.semaphore;
  const at = (h: Here): InstanceType<typeof Semaphore> => new Semaphore({ region: h.region() });
  const make =
    (permits: number, kind: { owned?: boolean; fair?: boolean } = {}) =>
    (region: () => never): void =>
      void new Semaphore({ region: region(), permits, ...kind });
  const inside = (h: Here): void => {
    h.words[p.data] = h.words[p.data] + 1;
  };
  const hold = (h: Here): void => {
    const semaphore = at(h);
    semaphore.withPermits(() => {
      checkpoint("inside");
      inside(h);
      checkpoint("release");
    });
  };
  const holder = p.body(hold);
  const spinner = p.spinning(hold);
  const wide = p.body((h) => at(h).withPermits(() => inside(h), 2));
  const patient = p.body((h) => {
    const semaphore = at(h);
    if (!semaphore.tryAcquire(1, { timeout: 10 })) return;
    inside(h);
    semaphore.release();
  });
  const task = p.body((h) => at(h).withPermitsAsync(() => inside(h)));
  const aborted = p.body(async (h) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 5);
    await at(h)
      .withPermitsAsync(() => inside(h), 1, { signal: controller.signal })
      .catch((error: Error) => {
        if (error.message !== "enough") throw error;
      });
  });
  const taker = p.body((h) => at(h).acquire());
  const giver = (n: number) => p.body((h) => at(h).release(n));
  const counted = (n: number) => (w: Words) => w[p.data] === n;
  const two = { rounds: 2 };
  const unhurt = { crash: false };
  const slices = { sliceMs: [library.park.SLICE_MS, RESERVED_MS] };
  return [
    p.model(
      "semaphore: 2 threads × 2",
      true,
      make(1),
      [
        { body: holder, ...two },
        { body: holder, ...two },
      ],
      {
        final: counted(4),
      },
    ),
    p.model(
      "semaphore: 2 threads × 2, spinning",
      true,
      make(1),
      [
        { body: spinner, ...two },
        { body: spinner, ...two },
      ],
      { final: counted(4) },
    ),
    p.model("semaphore: 3 threads × 1", false, make(1), [holder, holder, holder], { final: counted(3) }),
    p.model(
      "semaphore: two takers and 2 single releases",
      false,
      make(0),
      [taker, taker, { body: giver(1), ...two }],
      large,
    ),
    p.model("semaphore: one wants two permits, one wants one", true, make(2), [wide, holder]),
    p.model(
      "semaphore: one wants two permits, one takes and gives twice, time passes",
      false,
      make(2),
      [wide, { body: holder, ...two }],
      {
        ...slices,
        ...large,
        clockJumps: 1,
      },
    ),
    p.model("semaphore: a time-out beside a thread × 2", true, make(1), [patient, { body: holder, ...two }], slices),
    p.model("semaphore: a time-out beside 2 threads", false, make(1), [patient, holder, holder], {
      ...large,
      ...slices,
    }),
    p.model(
      "semaphore: 2 takers, one dies, a release of 2",
      false,
      make(0),
      [taker, taker, { body: giver(2), ...unhurt }],
      {
        ...p.crash(),
        ...large,
      },
    ),
    p.model("semaphore: owned, 2 threads × 1, a death", true, make(1, { owned: true }), [holder, holder], {
      ...p.crash(),
      ...slices,
    }),
    p.model(
      "semaphore: owned, 2 threads × 2, a death",
      false,
      make(1, { owned: true }),
      [
        { body: holder, ...two },
        { body: holder, ...two },
      ],
      { ...p.crash(), ...large },
    ),
    p.model(
      "semaphore: owned, 3 threads, a death, at most 1 preemption",
      false,
      make(1, { owned: true }),
      [holder, holder, holder],
      { ...p.crash(), ...large, preemptions: 1 },
    ),
    p.model(
      "semaphore: fair, 2 threads × 2",
      false,
      make(1, { fair: true }),
      [
        { body: holder, ...two },
        { body: holder, ...two },
      ],
      {
        final: counted(4),
        ...large,
      },
    ),
    p.model(
      "semaphore: fair, 3 threads × 1, at most 2 preemptions",
      false,
      make(1, { fair: true }),
      [holder, holder, holder],
      few,
    ),
    p.model("semaphore: fair, 2 threads, a death", true, make(1, { fair: true, owned: true }), [holder, holder], {
      ...p.crash(),
      ...large,
    }),
    p.model("semaphore: a task and a thread × 2", false, make(1), [task, { body: holder, ...two }], slices),
    p.model(
      "semaphore: a task that is aborted and a thread × 2",
      false,
      make(1),
      [aborted, { body: holder, ...two }],
      slices,
    ),
  ];
}
