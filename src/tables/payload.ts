// Values of queues and logs, text or bytes, between JavaScript and memory: encoded into private memory before the lock is
// taken, copied under it, decoded after it is released.

import { describe } from "../cells/deadline.ts";
import { boundOf, decode, decodePlain, encodedLength, encodeInto } from "./codec.ts";

/** What a queue or a log holds. */
export type Value = string | Uint8Array;

/** Private bytes of a value: the first `length` of `bytes`. */
export interface Payload {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly kind: number;
}

export const TEXT = 1;
export const BYTES = 2;
/** Text of as many bytes as units, which is ASCII: it is copied back instead of decoded. */
export const PLAIN = 3;

export function isKind(kind: number): boolean {
  return kind === TEXT || kind === BYTES || kind === PLAIN;
}

/** A larger piece of scratch memory is not kept for the next value. */
const KEPT_BYTES = 1 << 22;

let outgoing: Uint8Array = new Uint8Array(1024);
let incoming: Uint8Array = new Uint8Array(1024);

function scratch(current: Uint8Array, length: number, keep: (grown: Uint8Array) => void): Uint8Array {
  if (length <= current.length) return current;
  const grown = new Uint8Array(Math.max(length, Math.min(current.length * 2, KEPT_BYTES)));
  if (grown.length <= KEPT_BYTES) keep(grown);
  return grown;
}

/**
 * The value's bytes, valid until the next call (and, for bytes, as long as the caller leaves them alone). Throws TypeError
 * for another type, RangeError for more than `maxBytes` bytes.
 */
export function encodePayload(value: unknown, maxBytes: number, where: string): Payload {
  if (typeof value === "string") {
    // No text encodes to fewer bytes than it has units, nor to more than three times as many.
    if (value.length * 3 > maxBytes) {
      const length = value.length > maxBytes ? value.length : encodedLength(value);
      if (length > maxBytes) throw tooLong(length, maxBytes, where);
    }
    const bytes = scratch(outgoing, boundOf(value), (grown) => {
      outgoing = grown;
    });
    const length = encodeInto(value, bytes, 0);
    return { bytes, length, kind: length === value.length ? PLAIN : TEXT };
  }
  if (!isBytes(value)) throw new TypeError(`${where} takes a string or a Uint8Array, got ${describe(value)}`);
  if (value.length > maxBytes) throw tooLong(value.length, maxBytes, where);
  return { bytes: value, length: value.length, kind: BYTES };
}

/** A payload that stays valid while other values are encoded. */
export function keepPayload({ bytes, length, kind }: Payload): Payload {
  return { bytes: bytes.slice(0, length), length, kind };
}

/** Room for a value that is to be copied in; text is decoded before the next one comes. */
export function incomingPayload(length: number, kind: number): Payload {
  if (kind === BYTES) return { bytes: new Uint8Array(length), length, kind };
  const bytes = scratch(incoming, length, (grown) => {
    incoming = grown;
  });
  return { bytes, length, kind };
}

export function decodePayload({ bytes, length, kind }: Payload): Value {
  if (kind === BYTES) return bytes;
  return kind === PLAIN ? decodePlain(bytes, 0, length) : decode(bytes, 0, length);
}

/** A Uint8Array of this realm or another; a Buffer is one. */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === "Uint8Array";
}

function tooLong(length: number, maxBytes: number, where: string): RangeError {
  return new RangeError(`${where} takes values of at most maxBytes = ${maxBytes} bytes, got at least ${length}`);
}
