// The public Condition with the public Mutex as a model: every release is the shipped one, from unlock() and the wait's own
// down to the wakes that the thread owes those whom it chose. The lock is one that threads spin for, so that a release may
// hand it to a thread that is awake; whatever becomes of the lock then, who was chosen must be woken: in a run without a
// death nobody may need the end of a slice.
//
// Plain words beside them: TOKENS is what takers wait for, COUNT how often the lock was held.
import { scope } from "../../src/testing/markers.ts";
import type { Body, ThreadOptions } from "../../src/testing/options.ts";
import type { Library } from "./library.ts";
import type { Model } from "./model.ts";
import { type Here, type Options, Places, SEATS, type Words } from "./place.ts";

/** What has been learnt of the lock: that spins for it pay, and how fast it goes round then (protocols/spin-policy.ts). */
const SPUN_FOR = 48 << 12;
const LOOKS = 3;

/** A thread's region, as far as the bodies see it. */
interface Thread {
  readonly memory: { readonly words: Words };
  readonly owedWakes: number[];
}

export function conditionLockModels(library: Library): readonly Model[] {
  return new ConditionLockModels(library).all();
}

class ConditionLockModels extends Places {
  all(): readonly Model[] {
    const large: Partial<Options> = { states: 20e6, livelocks: "ignore" };
    const model = (
      name: string,
      short: boolean,
      threads: readonly (Body<Words> | ThreadOptions<Words>)[],
      more: Partial<Options> = {},
    ): Model => this.model(`condition: ${name}`, short, (region) => this.make(region()), threads, more);
    return [
      model("with its mutex, a taker and a giver × 2", false, [
        { body: this.taker(), rounds: 2 },
        { body: this.giver(1), rounds: 2 },
      ]),
      model(
        "with its mutex, a taker, a giver and one that takes the lock",
        false,
        [this.taker(), this.giver(1), this.passer()],
        large,
      ),
      model(
        "with its mutex, 2 takers, and a giver that wakes all, at most 2 preemptions",
        false,
        [this.taker(), this.taker(), this.giver(2)],
        { ...large, preemptions: 2 },
      ),
      model(
        "with its mutex, a taker that may die, and a giver",
        true,
        [this.taker(), { body: this.giver(1), crash: false }],
        this.crash(),
      ),
    ];
  }

  private make(region: never): void {
    const { mutex, condition } = this.objects(region);
    const { words } = (region as Thread).memory;
    const { mutex: word, condition: protocol, waitNodes } = this.lib;
    words[mutex.index + word.POLICY] = SPUN_FOR;
    words[condition.index + protocol.TABLE + waitNodes.CAPACITY] = SEATS;
  }

  private objects(region: never) {
    const mutex = new this.lib.mutexClass.Mutex({ region });
    return { mutex, condition: new this.lib.conditionClass.Condition(mutex, { region }) };
  }

  /** A thread that has the lock, and knows nothing any more of how it got it. */
  private holder(run: (what: ReturnType<ConditionLockModels["objects"]> & { words: Words }) => void): Body<Words> {
    return this.spinningForLock((here) => {
      const region = here.region();
      const { owedWakes } = region as Thread;
      const what = this.objects(region);
      const told = (): readonly number[] => owedWakes;
      scope(() => this.take(what.mutex), told);
      run({ ...what, words: here.words });
      scope(() => what.mutex.unlock(), told);
    });
  }

  private take(mutex: ReturnType<ConditionLockModels["objects"]>["mutex"]): void {
    mutex.lock({ recover: () => undefined });
  }

  private taker(): Body<Words> {
    return this.holder(({ condition, words }) => {
      const { owedWakes } = condition.region;
      while (words[this.data] === 0) {
        scope(
          () => this.wait(condition),
          () => owedWakes,
        );
      }
      words[this.data]--;
    });
  }

  /** Condition.wait; told of a death, it has the lock all the same. */
  private wait(condition: ReturnType<ConditionLockModels["objects"]>["condition"]): void {
    try {
      condition.wait();
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_OWNER_DIED") throw error;
      condition.lock.markConsistent();
    }
  }

  private giver(tokens: number): Body<Words> {
    return this.holder(({ condition, words }) => {
      words[this.data] += tokens;
      scope(
        () => void (tokens === 1 ? condition.notify() : condition.notifyAll()),
        () => condition.region.owedWakes,
      );
    });
  }

  private passer(): Body<Words> {
    return this.holder(({ words }) => void words[this.data + 1]++);
  }

  private spinningForLock(run: (here: Here) => unknown): Body<Words> {
    return this.spinningWith(
      (words) => ({
        spinForLock: (at: number, me: number, slept: number, starver: number) =>
          this.lib.spin.spinForLock(words, at, me, slept, starver, LOOKS),
      }),
      run,
    );
  }
}
