// What the person at the terminal is asked: the names of numbers that no page and no lookup file names.
//
// Invariant: a number is asked for once in a run, by the main thread, between reading and writing: every page is read
// then, so no page can still bring the name, no worker waits for the answer, and no lock is held while a person thinks.

import { createInterface, type Interface } from "node:readline";
import { plural } from "../../src/systems/html.ts";
import type { ConversationFigures } from "../../src/systems/stats.ts";

export interface Question {
  readonly phone: string;
  /** Messages and calls of its conversations. */
  readonly messages: number;
  /** The latest of them, as the page has it. */
  readonly latest: string;
}

export type Answer =
  | { readonly kind: "name"; readonly name: string }
  /** Leave the number's conversations out, now and in later runs. */
  | { readonly kind: "exclude" }
  /** Leave the number as it is; a later run asks again. */
  | { readonly kind: "skip" }
  /** Ask no more. */
  | { readonly kind: "stop" };

export type Ask = (question: Question) => Promise<Answer>;

/** The numbers that a conversation's key (see conversationKey) names. */
export function phonesOfKey(key: string): string[] {
  return key.split("\n").filter((member) => member !== "" && !member.startsWith("="));
}

/** Whether a conversation's key names numbers only, and all of them are filtered. */
export function isKeyLeftOut(key: string, isFiltered: (phone: string) => boolean): boolean {
  return key !== "" && key.split("\n").every((member) => !member.startsWith("=") && isFiltered(member));
}

/** What there is to ask, each number once: those with the most messages first, then by number. */
export function openQuestions(
  conversations: ReadonlyMap<string, ConversationFigures>,
  isKnown: (phone: string) => boolean,
): Question[] {
  const found = new Map<string, Question & { timestamp: number }>();
  for (const [key, { total, latestTimestamp, latestMessageTime }] of conversations) {
    for (const phone of phonesOfKey(key)) {
      if (isKnown(phone)) continue;
      const { messages, latest, timestamp } = found.get(phone) ?? { messages: 0, latest: "", timestamp: -Infinity };
      const isLater = latestTimestamp > timestamp;
      found.set(phone, {
        phone,
        messages: messages + total,
        latest: isLater ? latestMessageTime : latest,
        timestamp: Math.max(timestamp, latestTimestamp),
      });
    }
  }
  return [...found.values()]
    .sort((a, b) => b.messages - a.messages || (a.phone < b.phone ? -1 : 1))
    .map(({ phone, messages, latest }) => ({ phone, messages, latest }));
}

const HELP =
  "Numbers without a name. Type one, or: Enter leaves the number, - leaves its conversations out, q asks no more.\n";

function answerOf(line: string | undefined): Answer {
  const text = line?.trim();
  if (text === undefined || text === "q") return { kind: "stop" };
  if (text === "") return { kind: "skip" };
  return text === "-" ? { kind: "exclude" } : { kind: "name", name: text };
}

/** Asks on a stream and reads the answers, a line each, from another; the end of the input stops the asking. */
export class Asker {
  readonly #input: NodeJS.ReadableStream;
  readonly #output: NodeJS.WritableStream;
  #lines: Interface | undefined;
  #answers: AsyncIterator<string> | undefined;

  constructor(input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
    this.#input = input;
    this.#output = output;
  }

  async ask({ phone, messages, latest }: Question): Promise<Answer> {
    if (this.#answers === undefined) {
      // No terminal of readline's own: Ctrl-C stays a signal.
      this.#lines = createInterface({ input: this.#input, terminal: false });
      this.#answers = this.#lines[Symbol.asyncIterator]();
      this.#output.write(HELP);
    }
    this.#output.write(`${phone}  (${plural(messages, "message")}, the latest ${latest}): `);
    const { done, value } = await this.#answers.next();
    if (done === true) this.#output.write("\n");
    return answerOf(done === true ? undefined : value);
  }

  /** Lets go of the input; a question that is open is answered by "stop". */
  close(): void {
    this.#lines?.close();
  }
}
