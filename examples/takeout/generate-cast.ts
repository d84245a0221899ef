// Who is in a generated Takeout: invented people with numbers kept free for fiction (NPA-555-01XX and, for Britain,
// 07700 900XXX), short codes, and the names that break programs.

import type { Random } from "./random.ts";

/** The owner's Google Voice number and the mobile phone behind it, as Phones.vcf has them. */
export const OWN_NUMBER = "+13345550104";
export const OWN_MOBILE = "+13345550187";

export interface Contact {
  /** As the pages spell it after `tel:`. */
  readonly href: string;
  /** "" for a number that is in nobody's address book. */
  readonly name: string;
  /** Another name that some pages give the same number. */
  readonly otherName: string | undefined;
}

export interface Cast {
  readonly contacts: readonly Contact[];
  /** They call and never write. */
  readonly callers: readonly Contact[];
  readonly shortCodes: readonly Contact[];
  /** Senders of advertisements, each told to stop. */
  readonly advertisers: readonly Contact[];
}

const AREA_CODES = (
  "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 " +
  "253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 " +
  "321 323 325 330 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 " +
  "423 424 425 432 434 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 " +
  "530 540 541 551 559 561 562 563 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616"
).split(" ");

const FIRST = (
  "Ada Ben Cora Dev Elif Finn Gwen Hugo Ines Jack Kira Liam Mona Nils Olga Paul Quinn Rosa Sven Tara Umar Vera Will " +
  "Xena Yara Zack Amit Bela Chen Dora Emil Fay Gus Hana Ivo Jude Kofi Lena Milo Nora Omar Pia Remy Sara Theo Ursula " +
  "Victor Wanda Ximena Yusuf Zoe Aino Boris Clara Dan Eva Frank Gina Henk Iris Jan Katya Lars"
).split(" ");
const LAST = (
  "Abel Baker Cole Dunn Ellis Ford Gray Hale Irwin Jones Klein Lowe Marsh Nash Owens Price Reed Stone Tate Underhill " +
  "Vance Webb Young Zeller Adler Boyd Cruz Drake Engel Frost Grant Hart Ivers Jung Kerr Lamb Moss Novak Olsen Park " +
  "Quist Roth Shaw Tran Ueda Voss West Yates Zhou Amin Bauer Conti Diaz Endo Faber Greco Holm"
).split(" ");

/** Names that hold a file name's separators, markup, paths, other scripts, and hardly anything. */
const ODD_NAMES: readonly string[] = [
  "Joe Smith - Cell",
  'Anne "The Boss" Miller',
  "<b>Bold</b>",
  "../../etc/passwd",
  "AT&T Wireless",
  "O'Brien",
  "🦊 Fox 🦊",
  `${"Ann Longname ".repeat(23)}!`, // 300 characters
  "Dr. Jörg Weiß",
  "田中太郎",
  "محمد علي",
  "Text - Missed - Placed",
  "<script>alert(1)</script>",
  "Mom & Dad",
  "C:\\Temp\\*?|",
  "Plumber (24/7)",
  "Jean-Luc",
  "José   Muñoz",
  "group conversation",
  "me",
  "…",
  "a",
  "N/A",
  "Ex #2 ; DROP TABLE",
];

const SHORT_CODES = "22000 262966 54321 611 89203 32665 729725 40404 86753 468311 96831 7726".split(" ");

export function makeCast(files: number): Cast {
  const count = Math.min(6000, Math.max(3 * ODD_NAMES.length, Math.round(files / 9)));
  const callerCount = Math.max(6, Math.round(count / 12));
  return {
    contacts: Array.from({ length: count }, (_, i) => makeContact(i)),
    callers: Array.from({ length: callerCount }, (_, i) => ({ ...makeContact(count + i), otherName: undefined })),
    shortCodes: SHORT_CODES.map((href) => ({ href, name: "", otherName: undefined })),
    advertisers: Array.from({ length: Math.max(3, Math.round(count / 40)) }, (_, i) => ({
      href: String(70_001 + i),
      name: "",
      otherName: undefined,
    })),
  };
}

/** A contact for a page: some write often, most seldom. */
export function pickContact(random: Random, contacts: readonly Contact[]): Contact {
  const skewed = (random.below(1 << 15) * random.below(1 << 15)) / 2 ** 30;
  return contacts[Math.floor(skewed * contacts.length)];
}

/** By place, not by chance: a small tree has every kind, too. */
function makeContact(i: number): Contact {
  const plain = `${FIRST[i % FIRST.length]} ${LAST[Math.floor(i / 2) % LAST.length]}`;
  const href = numberOf(i);
  // Every odd name is among the first, who write most.
  if (i % 3 === 1 && i < 3 * ODD_NAMES.length) return { href, name: ODD_NAMES[(i - 1) / 3], otherName: undefined };
  switch (i % 10) {
    case 3:
    case 7:
      return { href, name: "", otherName: undefined };
    case 5:
      return { href, name: ODD_NAMES[Math.floor(i / 10) % ODD_NAMES.length], otherName: undefined };
    case 9:
      return { href, name: plain, otherName: `${plain} (work)` };
    default:
      return { href, name: plain, otherName: undefined };
  }
}

function numberOf(i: number): string {
  if (i % 50 === 48) return `+447700900${String(((i / 50) % 1000) | 0).padStart(3, "0")}`;
  if (i % 50 === 26) return `${local(i)}`; // without a country code
  if (i % 100 === 42) return `friend${i}@example.com`;
  return `+1${local(i)}`;
}

function local(i: number): string {
  const line = 100 + (Math.floor(i / AREA_CODES.length) % 100);
  return `${AREA_CODES[i % AREA_CODES.length]}5550${line}`;
}
