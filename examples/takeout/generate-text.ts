// What people write in a generated Takeout.

import type { Random } from "./random.ts";

const WORDS = (
  "about after again all also always and another any ask at away back because before being better book bring call car " +
  "coffee come could day dinner doing done drive early else enough every family far few find fine first food for " +
  "friday from fun game get give going good great had happy have hear help here home hope house how idea into just " +
  "keep know late later leave let like little long look lunch made make maybe meet meeting minute monday more morning " +
  "movie much need never new next nice night nothing now office often one only open other our out over park party " +
  "people phone pick place plan please question quick rain ready really right road room same saturday say school see " +
  "should side soon sorry sound still store sunday sure take talk tell thanks that then there thing think this time " +
  "today tomorrow tonight too train trip try until very visit wait walk want was water week well what when where " +
  "which will with wonder work would yes yesterday yet you"
).split(" ");

/** What a parser, an escape or a renderer gets wrong. */
const TRICKY: readonly string[] = [
  "Tom & Jerry <3 \"quotes\" and 'apostrophes'",
  "line one\nline two\n\nline four",
  "ends with a break\n",
  " blanks around it ",
  "two  blanks   and three",
  "https://example.com/?a=1&b=2#c",
  "😂😂 👩‍👩‍👧‍👦 💚",
  "שלום עולם, مرحبا",
  "</q></div></div><script>alert('x')</script>",
  "&amp; is not & and &#39; is not '",
  "a | b | c; =1+1",
  "5 < 6 && 7 > 3",
  "你好，世界",
  "tel:+12025550199",
  "Me",
  "",
];

const ADVERTISEMENTS: readonly string[] = [
  "Flash sale! 40% off everything today. Reply STOP to opt out",
  "Your exclusive offer ends tonight: https://example.com/deal Text STOP to end",
  "New arrivals are here! Show this text in store for $10 off. Reply STOP to unsubscribe",
  "VOTE on Tuesday! Reply STOP to quit",
];
export const STOP_WORDS: readonly string[] = [
  "STOP",
  "Stop",
  "stop",
  "unsubscribe",
  "Unsubscribe",
  "cancel",
  "remove",
  "opt-out",
  "optout",
  "stop all",
  "end",
  "QUIT",
];
const CONFIRMATIONS: readonly string[] = [
  "You have been unsubscribed. You will receive no further messages.",
  "You have successfully been unsubscribed. No more messages will be sent.",
  "You are unsubscribed and will not receive any more messages from this number. Reply START to resubscribe.",
];

/** At least two words, so that it is never one of the words that end a subscription. */
export function sentence(random: Random): string {
  if (random.chance(6)) return random.pick(TRICKY);
  const words = Array.from({ length: random.between(2, 12) }, () => random.pick(WORDS));
  const text = words.join(" ");
  return `${text[0].toUpperCase()}${text.slice(1)}${random.pick([".", "!", "?", "", ""])}`;
}

/** Without line breaks and odd characters, as speech recognition gives it. */
export function transcript(random: Random): string {
  const words = Array.from({ length: random.between(4, 14) }, () => random.pick(WORDS));
  return `Hi, it's me. ${words.join(" ")}. Call me back & thanks.`;
}

export function advertisement(random: Random): string {
  return random.pick(ADVERTISEMENTS);
}

export function confirmation(random: Random): string {
  return random.pick(CONFIRMATIONS);
}
