// The shipped condition as a model: wait nodes (protocols/wait-nodes.ts), who chooses and who rescues
// (region/wait-queue.ts), and the mutex that the condition belongs to, all as Condition.wait and notify use them.
//
// Words beside the lock: TOKENS is what waiters wait for; OVER is set by a waiter that has the lock again and whose wait is
// over in its next step; WAITED counts waits that ended notified, CHOSEN those that were chosen.
import { ConditionBodies } from "./condition-bodies.ts";
import { conditionLockModels } from "./condition-lock-model.ts";
import { DEATH, type Options, type Words } from "./condition-place.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";

export function conditionModels(library: Library): readonly Model[] {
  return [...new ConditionModels(library).all(), ...conditionLockModels(library)];
}

class ConditionModels extends ConditionBodies {
  all(): readonly Model[] {
    const model = (name: string, short: boolean, options: Partial<Options> & Pick<Options, "threads">): Model => ({
      name: `condition: ${name}`,
      short,
      options: { ...this.base(), ...options },
    });
    const onCrash = (t: number, w: Words): void => {
      this.lib.threads.buryThread(w, t);
      this.ring(w, DEATH);
    };
    const crash = { crashes: 1, onCrash };
    const last = { crash: false, daemon: true };
    return [
      model("a taker and a giver × 2", false, {
        threads: [
          { body: this.taker(), rounds: 2 },
          { body: this.giver(), rounds: 2 },
        ],
      }),
      model("2 takers and a giver of 2", false, {
        threads: [{ body: this.taker() }, { body: this.taker() }, { body: this.giver(2) }],
      }),
      model("2 takers, and a giver of 2 that wakes all", false, {
        threads: [{ body: this.taker() }, { body: this.taker() }, { body: this.giver(2, true) }],
      }),
      model("a taker and a giver × 2, the taker may die", true, {
        threads: [
          { body: this.taker(), rounds: 2 },
          { body: this.giver(), rounds: 2, crash: false },
        ],
        ...crash,
      }),
      model("2 takers that may die, and a giver of 2", false, {
        threads: [{ body: this.taker() }, { body: this.taker() }, { body: this.giver(2), crash: false }],
        ...crash,
        livelocks: "ignore",
        states: 20e6,
      }),
      model("2 takers that may die, and a giver of 2 that wakes all", false, {
        threads: [{ body: this.taker() }, { body: this.taker() }, { body: this.giver(2, true), crash: false }],
        ...crash,
        livelocks: "ignore",
        states: 20e6,
      }),
      model("a waiter is chosen by one that dies", true, {
        memory: this.published(),
        threads: [{ body: this.chosenOne(), crash: false }, { body: this.giver(1, true) }],
        ...crash,
      }),
      model("a chain of 2, a death", false, {
        memory: this.published(),
        threads: [{ body: this.chosenOne(2) }, { body: this.chosenOne(2) }, { body: this.giver(1, true) }],
        ...crash,
      }),
      model("a waiter with a time-out beside a giver", true, {
        threads: [{ body: this.waiter(10) }, { body: this.chooser(1) }],
        final: this.countsAgree,
      }),
      model("2 waiters, one with a time-out, and one is chosen", false, {
        threads: [{ body: this.waiter(10) }, { body: this.waiter(), daemon: true }, { body: this.chooser(1) }],
        final: this.countsAgree,
        livelocks: "ignore",
        states: 20e6,
      }),
      model("a node is claimed while the mark is lowered", false, {
        threads: [
          { body: this.claimer(), rounds: 2 },
          { body: this.claimer(), rounds: 2 },
        ],
      }),
      model("a chosen waiter leaves: the signal is passed on", true, {
        memory: this.published(),
        threads: [{ body: this.leaver() }, { body: this.sleeper(), daemon: true }, { body: this.bareChooser() }],
        final: this.notSwallowed,
      }),
      model("a waiter dies, another one waits", true, {
        memory: this.published(),
        threads: [{ body: this.sleeper() }, { body: this.survivor(), ...last }, { body: this.bareChooser(), ...last }],
        ...crash,
        final: this.notSwallowed,
      }),
      model("two rescue the signal of a dead waiter", true, {
        memory: this.published(),
        threads: [{ body: this.sleeper() }, { body: this.survivor(), ...last }, { body: this.rescuer(), ...last }],
        ...crash,
        final: this.notSwallowed,
      }),
    ];
  }
}
