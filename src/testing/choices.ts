// Choices: what can be done next in a state, as one number each, and as the text that schedules are printed in.
//
//   kind << 24 | thread << 16 | token

export const DO = 0;
export const CRASH = 1;
export const TIMEOUT = 2;
export const HOOK = 3;
export const DELIVER = 4;
export const FIRE = 5;
export const JUMP = 6;
const CODES = "_cxhefj";

export const choice = (kind: number, thread: number, token = 0): number => (kind << 24) | (thread << 16) | token;
export const kindOf = (c: number): number => c >>> 24;
export const actorOf = (c: number): number => (c >>> 16) & 255;

/** "1" an operation of thread 1, "c1" its crash, "x1" its time-out, "h1" the hook, "e1" an event, "f1.3" timer 3. */
export function encode(c: number): string {
  const token = c & 0xffff;
  return (kindOf(c) === DO ? "" : CODES[kindOf(c)]) + actorOf(c) + (token === 0 ? "" : `.${token}`);
}

export function decode(text: string): number | undefined {
  const match = /^([cxhefj]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  return choice(match[1] === "" ? DO : CODES.indexOf(match[1]), Number(match[2]), Number(match[3] ?? 0));
}
