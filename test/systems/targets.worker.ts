// What a worker of targets.test.ts does: adds or reads conversations, or takes part in a thousand seeded runs on one table.
import { parentPort } from "node:worker_threads";
import { Barrier, type BarrierHandle } from "../../src/locks/barrier.ts";
import { ConversationStats, type ConversationStatsHandle } from "../../src/systems/conversation-stats.ts";
import { SharedTable, type TableHandle } from "../../src/tables/shared-table.ts";
import { data, finish, step } from "../support/watchdog.ts";
import { operationsOf, type SeededRow } from "./targets-plan.ts";

export interface TargetsJob {
  readonly job: keyof typeof jobs;
  readonly stats?: ConversationStatsHandle;
  readonly table?: TableHandle<string, SeededRow>;
  readonly barrier: BarrierHandle;
  readonly rounds: number;
}

const { job, stats: statsHandle, table: tableHandle, barrier: barrierHandle, rounds, index } = data<TargetsJob>();
const barrier = Barrier.from(barrierHandle);

const jobs = {
  add(): number {
    const stats = ConversationStats.from(statsHandle as ConversationStatsHandle);
    barrier.wait();
    for (let i = 0; i < rounds; i++) {
      const time = new Date(i).toISOString();
      const message = {
        type: "sms",
        timestamp: i,
        time,
        sender: "+1",
        senderName: "Ann",
        fromMe: false,
        text: "hi",
      } as const;
      stats.writeMessage(`conversation ${i}`, { ...message, attachments: [] }, [0, i]);
    }
    return rounds;
  },
  /** Reads the totals; how many it saw at the last, all of them whole. */
  read(): number {
    const stats = ConversationStats.from(statsHandle as ConversationStatsHandle);
    let last = 0;
    barrier.wait();
    for (let i = 0; i < rounds; i++) {
      const { num_sms: seen } = stats.getTotalStats();
      if (seen < last) throw new Error(`the totals went from ${last} to ${seen}`);
      last = seen;
    }
    return last;
  },
  seeded(): number {
    const table = SharedTable.from(tableHandle as TableHandle<string, SeededRow>);
    // The main thread blocks from here on.
    parentPort?.postMessage("ready");
    for (let round = 0; round < rounds; round++) {
      barrier.wait();
      for (const { kind, key, value } of operationsOf(round, index)) {
        if (kind === "add") table.add(key, "count", value);
        else if (kind === "max") table.max(key, "most", value);
        else if (kind === "delete") table.delete(key);
        else table.set(key, { count: 0, most: 0, text: `text ${value}`.repeat(1 + (value % 9)) });
      }
      barrier.wait();
    }
    return rounds;
  },
};

step(job);
finish(jobs[job]());
