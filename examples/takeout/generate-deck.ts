// The mix of a generated Takeout: a deck of 200 and some cards, one a page, shuffled anew when it runs out. So every few
// hundred pages hold every kind in the same proportion.

import type { CallKind } from "../../src/systems/page.ts";
import type { Random } from "./random.ts";

export type Card =
  | "text"
  | "ownMessagesOnly"
  | "ownNumberAsSender"
  | "shortCode"
  | "advertiser"
  | "duplicate"
  | "group"
  | "largeGroup"
  | "noAction"
  | "callOnly"
  | "unknownCaller"
  | "untranscribed"
  | CallKind;

const DECK: readonly (readonly [Card, number])[] = [
  ["text", 100],
  ["ownMessagesOnly", 3],
  ["ownNumberAsSender", 1],
  ["shortCode", 4],
  ["advertiser", 3],
  ["duplicate", 4],
  ["group", 22],
  ["largeGroup", 8],
  ["missed", 10],
  ["received", 9],
  ["placed", 9],
  ["recorded", 2],
  ["noAction", 3],
  ["callOnly", 5],
  ["unknownCaller", 6],
  ["voicemail", 8],
  ["untranscribed", 6],
];

export class Deck {
  readonly #random: Random;
  #cards: Card[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  draw(): Card {
    if (this.#cards.length === 0) {
      this.#cards = this.#random.shuffle(DECK.flatMap(([card, count]) => Array<Card>(count).fill(card)));
    }
    return this.#cards.pop() as Card;
  }
}
