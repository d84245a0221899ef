// The shipped read-write lock as a model: the loops of locks/rw-waiting.ts, the protocol under them, the stamped lock's
// version, and the registry's way of learning of a death.
//
// A writer adds 1 to two plain words, ONE and then TWO; whoever holds the lock in any way must find them equal, unless it
// was told that a writer died. Plain accesses that race are reported by the checker, so a writer beside anyone can't go
// unseen.

import type { Body, ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";
import { RwLockBodies } from "./rw-lock-bodies.ts";
import { type Options, RESERVED_MS, type Words } from "./rw-lock-place.ts";

export function rwLockModels(library: Library): readonly Model[] {
  return new RwLockModels(library).all();
}

class RwLockModels extends RwLockBodies {
  all(): readonly Model[] {
    const crash = { crashes: 1, onCrash: (t: number, w: Words) => this.lib.threads.buryThread(w, t) };
    const slices = [this.lib.park.SLICE_MS, RESERVED_MS];
    const model = (
      name: string,
      short: boolean,
      threads: readonly ThreadOptions<Words>[],
      options: Partial<Options> = {},
    ): Model => ({ name: `rw: ${name}`, short, options: { ...this.base(threads.length), threads, ...options } });
    const r = (o?: Partial<ThreadOptions<Words>>): ThreadOptions<Words> => ({ body: this.reader(), ...o });
    const w = (o?: Partial<ThreadOptions<Words>>): ThreadOptions<Words> => ({ body: this.writer(), ...o });
    const body = (b: Body<Words>): ThreadOptions<Words> => ({ body: b });
    const two = { rounds: 2 };
    const large: Partial<Options> = { states: 20e6, livelocks: "ignore" };
    return [
      model("1 reader × 2, 1 writer", true, [r(two), w()]),
      model("1 reader × 2, 1 writer × 2", false, [r(two), w(two)]),
      model("1 reader × 2, 1 writer × 2, a death", false, [r(two), w(two)], { ...crash, ...large }),
      model("1 reader, 2 writers", false, [r(), w(), w()], large),
      model("2 readers, 1 writer", false, [r(), r(), w()], large),
      model("1 reader × 2, 1 writer, spinning", false, [
        { body: this.spinning(this.reader()), ...two },
        body(this.spinning(this.writer())),
      ]),
      model("2 writers, spinning", true, [body(this.spinning(this.writer())), body(this.spinning(this.writer()))]),
      model(
        "1 reader, 1 writer, spinning, a death",
        true,
        [body(this.spinning(this.reader())), body(this.spinning(this.writer()))],
        crash,
      ),
      model("2 writers", false, [w(), w()]),
      model("3 writers", false, [w(), w(), w()]),
      model("3 writers, a death", false, [w(), w(), w()], { ...crash, ...large }),
      model("nested reader, 1 writer", true, [body(this.nested()), w()]),
      model("1 reader, 1 writer, a death", true, [r(), w()], crash),
      model("1 reader, 1 writer, two deaths", true, [r(), w()], { ...crash, crashes: 2 }),
      model("2 writers, a death", true, [w(), w()], crash),
      model("2 readers, 1 writer, a death", false, [r(), r(), w()], { ...crash, ...large }),
      model("1 reader, 2 writers, a death", false, [r(), w(), w()], { ...crash, ...large }),
      model("a writer that gives up, 1 reader", true, [body(this.writer(10)), r()]),
      model("a writer that gives up, 1 reader, 1 writer", false, [body(this.writer(10)), r(), w()], large),
      model("a reader that gives up, 1 writer", true, [body(this.reader(10)), w()]),
      model("a writer that gives up, 1 reader, a death", false, [body(this.writer(10)), r()], crash),
      model("a writer that tries, 1 reader", true, [body(this.trying()), r()]),
      model("an upgrade, 1 reader", true, [body(this.upgrading()), r()]),
      model("an upgrade, 1 writer", true, [body(this.upgrading()), w()]),
      model("an upgrade, 1 reader, 1 writer", false, [body(this.upgrading()), r(), w()], large),
      model("an upgrade, 1 reader, a death", false, [body(this.upgrading()), r()], crash),
      model("an upgrade that gives up, 1 reader", true, [body(this.upgrading(10)), r()]),
      model("a downgrade, 1 writer", true, [body(this.downgrading()), w()]),
      model("a downgrade, 1 reader, 1 writer", false, [body(this.downgrading()), r(), w()], large),
      model("a downgrade, 1 writer, a death", false, [body(this.downgrading()), w()], crash),
      model("doubt left unmarked, a death", true, [body(this.careless()), body(this.careless())], crash),
      model("a dead reader's slot has a new tenant", true, [r(), { body: this.tenant(), crash: false }], crash),
      model(
        "a dead reader's slot has a new tenant, 1 writer",
        false,
        [r(), { body: this.tenant(), crash: false }, w({ crash: false })],
        { ...crash, ...large },
      ),
      model("1 reader, 1 writer × 2, time passes, no reservation ends", false, [r(), w(two)], {
        ...large,
        clockJumps: 1,
        sliceMs: slices,
      }),
      model("1 starving reader that gives up, 1 writer × 2", false, [body(this.reader(10)), w(two)], {
        ...large,
        clockJumps: 1,
        sliceMs: slices,
      }),
      model("1 starving reader, 1 writer × 2, a death", false, [r(), w(two)], { ...crash, ...large, clockJumps: 1 }),
      model("1 async reader, 1 writer", true, [body(this.awaitingRead(1)), w()]),
      model("1 async writer, 1 reader", true, [body(this.awaitingWrite(1)), r()]),
      model("1 async writer, 1 async reader", true, [body(this.awaitingWrite(1)), body(this.awaitingRead(1))]),
      model("1 async writer, 1 reader, 1 writer", false, [body(this.awaitingWrite(1)), r(), w()], large),
      model("1 async writer, 1 reader, a death", false, [body(this.awaitingWrite(1)), r()], crash),
      model("1 async reader, 1 writer, a death", false, [body(this.awaitingRead(1)), w()], crash),
      model("1 async writer that gives up, 1 reader", true, [body(this.awaitingWrite(1, 10)), r()]),
      model("1 async reader that gives up, 1 writer", true, [body(this.awaitingRead(1, 10)), w()]),
      model("a thread whose tasks read and write, 1 reader", false, [body(this.mixed()), r()]),
      model("1 optimistic reader, 1 writer × 2", true, [body(this.optimist()), w(two)], { plain: "ignore" }),
      model("1 optimistic reader × 2, 1 writer, a death", true, [{ body: this.optimist(), ...two }, w()], {
        ...crash,
        plain: "ignore",
      }),
      model("2 optimistic readers, 1 writer, a death", false, [body(this.optimist()), body(this.optimist()), w()], {
        ...crash,
        plain: "ignore",
      }),
      model("1 optimistic reader, 2 writers, a death", false, [body(this.optimist()), w(), w()], {
        ...crash,
        ...large,
        plain: "ignore",
      }),
      model(
        "2 readers × 3, 2 writers × 3, 2,000 schedules by PCT",
        true,
        [r({ rounds: 3 }), r({ rounds: 3 }), w({ rounds: 3 }), w({ rounds: 3 })],
        { mode: "pct", schedules: 2000, seed: 7 },
      ),
    ];
  }
}
