// What the threads of the condition's models do, and what must hold at the end.

import type { ThreadStatus } from "../../src/testing/judge.ts";
import { checkpoint } from "../../src/testing/markers.ts";
import { type Body, CHOICE, ConditionPlace, DEATH, NODES, type Words } from "./condition-place.ts";

export class ConditionBodies extends ConditionPlace {
  protected taker(): Body {
    return (w, { index }) => {
      const locker = this.locker(w, index);
      this.acquire(w, locker);
      for (;;) {
        checkpoint("locked", ...this.remembered(locker));
        if (w[this.tokens] !== 0) break;
        this.wait(w, locker);
      }
      w[this.tokens]--;
      this.release(w, locker);
    };
  }

  /** Notifies as many as it gives, or all. */
  protected giver(tokens = 1, all = false): Body {
    return (w, { index }) => {
      const locker = this.locker(w, index);
      this.acquire(w, locker);
      w[this.tokens] += tokens;
      if (all) this.notifyAll(w, locker);
      else for (let k = 0; k < tokens; k++) this.notify(w, locker);
      this.release(w, locker);
    };
  }

  /** Waits already, and goes on with the lock once it is chosen, or nobody is left who could. */
  protected chosenOne(giver = 1): Body {
    return (w, { index }) => {
      const { threads, waitQueue, waitNodes } = this.lib;
      const locker = this.locker(w, index);
      const { node, waiting } = this.nodeOf(index);
      const what = { table: this.table, node, waiting, lock: node };
      const chosen = waitQueue.sleepNode(
        locker,
        what,
        Number.POSITIVE_INFINITY,
        () => !threads.isAlive(w, (1 << 12) | giver),
      );
      this.acquire(w, locker);
      if (chosen) waitNodes.freeNode(w, this.table, node);
      this.wakeNext(w, locker);
      this.release(w, locker);
    };
  }

  protected waiter(timeout?: number): Body {
    return (w, { index }) => {
      const locker = this.locker(w, index);
      this.acquire(w, locker);
      // What was chosen before it waits is not for it.
      if (this.wait(w, locker, timeout)) w[this.waited]++;
      else if (timeout === undefined) throw new Error("a wait without a time-out timed out");
      this.release(w, locker);
      return index;
    };
  }

  protected chooser(n: number): Body {
    return (w, { index }) => {
      const locker = this.locker(w, index);
      this.acquire(w, locker);
      for (let k = 0; k < n; k++) {
        if (this.notify(w, locker)) w[this.chosen]++;
      }
      this.release(w, locker);
    };
  }

  /** Exactly those that were chosen were notified. */
  protected readonly countsAgree = (w: Words): void => {
    if (w[this.waited] !== w[this.chosen]) throw new Error(`${w[this.chosen]} chosen, ${w[this.waited]} notified`);
    this.tableIsWhole(w);
  };

  protected tableIsWhole(w: Words): void {
    const { waitNodes } = this.lib;
    const mark = w[this.table + waitNodes.USED] & ((1 << 14) - 1);
    for (let at = 0; at < NODES; at++) {
      const state = w[waitNodes.nodeAt(this.table, at)];
      // A thread that died between its claim and the mark leaves a claimed node: it has not been published.
      if (state !== 0 && !waitNodes.isClaimed(state) && at >= mark) throw new Error("a node in use lies past the mark");
      if (waitNodes.isSignaled(state) || waitNodes.isRelayed(state)) throw new Error("a signal is left behind");
    }
  }

  protected claimer(): Body {
    return (w, { index }) => {
      const { waitNodes, waitQueue } = this.lib;
      const locker = this.locker(w, index);
      const node = waitQueue.takeNode(locker, this.table);
      const state = waitNodes.publishNode(w, this.table, node, locker.me);
      const at = (node - waitNodes.nodeAt(this.table, 0)) / waitNodes.NODE_WORDS;
      if (at >= waitNodes.markOf(w, this.table)) throw new Error("a published node lies past the mark");
      if (!waitNodes.withdrawNode(w, this.table, node, state)) throw new Error("it was chosen by nobody");
    };
  }

  /** Threads 0 and 1 wait already, in this order. */
  protected published(): Words {
    const { waitNodes } = this.lib;
    const w = this.memory();
    for (const thread of [0, 1]) {
      const node = waitNodes.claimNode(w, this.table, this.locker(w, thread).me);
      waitNodes.publishNode(w, this.table, node, this.locker(w, thread).me);
    }
    return w;
  }

  /** A waiter without the lock. */
  protected sleeper(): Body {
    return (w, { index }) => {
      const { node, waiting } = this.nodeOf(index);
      while (Atomics.load(w, node) === waiting) Atomics.wait(w, node, waiting);
      Atomics.add(w, this.over, 1);
      this.lib.waitNodes.freeNode(w, this.table, node);
    };
  }

  /** A waiter that is aborted, at any moment. */
  protected leaver(): Body {
    return (w, { index }) => {
      const { waitNodes, waitQueue } = this.lib;
      const { node, waiting } = this.nodeOf(index);
      if (!waitNodes.withdrawNode(w, this.table, node, waiting)) {
        waitQueue.passOn(this.locker(w, index), this.table, node);
      }
    };
  }

  /** Waits until the other one is known to be dead and the choice was made, and rescues then. */
  protected survivor(): Body {
    return (w, { index }) => {
      const { node, waiting } = this.nodeOf(index);
      this.until(w, (bell) => (bell & DEATH) !== 0 && (bell & CHOICE) !== 0);
      this.lib.waitQueue.rescueSignals(this.locker(w, index), this.table, false);
      if (Atomics.load(w, node) !== waiting) Atomics.add(w, this.over, 1);
    };
  }

  /** Chooses one of the two. */
  protected bareChooser(): Body {
    return (w, { index }) => {
      if (this.lib.waitQueue.chooseOldest(this.locker(w, index), this.table)) Atomics.add(w, this.chosen, 1);
      this.ring(w, CHOICE);
    };
  }

  protected rescuer(): Body {
    return (w, thread) => {
      this.bareChooser()(w, thread);
      this.until(w, (bell) => (bell & DEATH) !== 0);
      this.lib.waitQueue.rescueSignals(this.locker(w, thread.index), this.table, false);
    };
  }

  /** Whoever was chosen: a wait came to its end, or the survivor has the signal, or nobody alive was left waiting. */
  protected readonly notSwallowed = (w: Words, statuses: readonly ThreadStatus[]): void => {
    const { waitNodes } = this.lib;
    const states = Array.from({ length: NODES }, (_, at) => w[waitNodes.nodeAt(this.table, at)]);
    const waits = states.some((state, at) => {
      const owner = w[waitNodes.nodeAt(this.table, at) + waitNodes.N_OWNER];
      return waitNodes.isWaiting(state) && statuses[owner & 0xfff].state !== "crashed";
    });
    if (w[this.chosen] > 0 && w[this.over] === 0 && waits) {
      throw new Error("the signal was swallowed: it was chosen for, and nobody's wait is over");
    }
  };
}
