// What a worker of threads.test.ts does: one job, by name.
import { ConversationStats, type ConversationStatsHandle } from "../../src/systems/conversation-stats.ts";
import type { Message } from "../../src/systems/page.ts";
import { PhoneLookup, type PhoneLookupHandle } from "../../src/systems/phone-lookup.ts";
import { data, finish, step } from "../support/watchdog.ts";

export interface SystemsJob {
  readonly job: keyof typeof jobs;
  readonly lookup?: PhoneLookupHandle;
  readonly stats?: ConversationStatsHandle;
  readonly count: number;
}

const { job, lookup: lookupHandle, stats: statsHandle, index } = data<SystemsJob>();
const each = data<{ readonly each: number }>().each;

const lookup = (): PhoneLookup => PhoneLookup.from(lookupHandle as PhoneLookupHandle);
const stats = (): ConversationStats => ConversationStats.from(statsHandle as ConversationStatsHandle);

const message = (timestamp: number): Message => ({
  type: (["sms", "mms", "call", "voicemail"] as const)[timestamp % 4],
  timestamp,
  time: new Date(timestamp).toISOString(),
  sender: "+1",
  senderName: "Ann",
  fromMe: false,
  text: `${timestamp}`,
  attachments: timestamp % 3 === 0 ? [{ kind: "img", ref: "x" }] : [],
});

const jobs = {
  /** Everyone names the same numbers, each page with a name of its own; the lowest rank must win. */
  disagree(): number {
    const shared = lookup();
    for (let i = 0; i < each; i++) {
      const phone = `+1${(i * 7 + index * 13) % 100}`;
      const rank = ((i * 31 + index * 17) % 997) + 3;
      const fn = `Name ${String.fromCharCode(65 + (rank % 26))}`;
      shared.getAlias(phone, { links: [{ number: phone, fn, text: fn, inSender: true }], scopes: [] }, rank);
    }
    return each;
  },
  /** Seed 000's stress: all threads look up and name the same thousand keys. */
  sameKeys(): number {
    const shared = lookup();
    for (let i = 0; i < each; i++) {
      const phone = `+1555${String(i).padStart(4, "0")}`;
      const name = shared.getAlias(phone);
      if (name !== phone && name !== `Person${i}`) throw new Error(`${phone} is called ${name}`);
      shared.addAlias(phone, `Person${i}`);
    }
    return each;
  },
  /** Numbers of its own. */
  ownKeys(): number {
    const shared = lookup();
    for (let i = 0; i < each; i++)
      shared.addAlias(`+1555${String(index * each + i).padStart(6, "0")}`, `P ${index} ${i}`);
    return each;
  },
  changes(): number {
    const shared = lookup();
    for (let i = 0; i < each; i++) shared.saveBatched();
    return each;
  },
  /** A filter is set with the name: whoever sees the name sees the filter. */
  filters(): number {
    const shared = lookup();
    let leaked = 0;
    for (let i = 0; i < each; i++) {
      if (index === 0) {
        shared.addFilter(`+1${i}`, "spam");
        shared.addAlias(`+1${i}`, "Spammer");
      } else if (shared.getAlias(`+1${i}`) === "Spammer" && !shared.isFiltered(`+1${i}`)) leaked++;
    }
    return leaked;
  },
  write(): number {
    const shared = stats();
    for (let i = 0; i < each; i++) shared.writeMessage(`c${i % 100}`, message(i * 16 + index), [index, i]);
    return each;
  },
  /** Totals never go backwards, and each snapshot's parts agree with each other. */
  read(): number {
    const shared = stats();
    let last = -1;
    let reads = 0;
    while (last < each) {
      const total = [...shared.getAllStats().values()].reduce((sum, row) => {
        if (row.smsCount + row.callsCount + row.voicemailsCount !== row.total) throw new Error("a torn row");
        return sum + row.total;
      }, 0);
      if (total < last) throw new Error(`totals went from ${last} to ${total}`);
      last = total;
      reads++;
    }
    return reads;
  },
  /** Writes until the conversations are sealed. */
  untilSealed(): number {
    const shared = stats();
    for (let i = 0; ; i++) {
      try {
        shared.writeMessage(`c${i % 10}`, message(i), [index, i]);
      } catch (error) {
        if ((error as { code?: string }).code === "ERR_SEALED") return i;
        throw error;
      }
    }
  },
};

step(job);
finish(jobs[job]());
