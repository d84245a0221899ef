// Text to bytes and back: generalised UTF-8 (WTF-8), which is UTF-8 plus three bytes for a lone surrogate, so that every
// JavaScript string comes back as it was.
//
// Only private memory is decoded and encoded here: bytes that another thread may change are copied out and validated
// first. The one exception, copyToText, is such a copy.

/** The longest key or text value, in encoded bytes. */
export const MAX_TEXT_BYTES = 1024 * 1024;

/** Above so many units the platform's encoder is faster than a loop. */
const ENCODER_ABOVE = 256;
/** From so many bytes on the platform's decoder is faster than a loop. */
const DECODER_FROM = 25;
/** What the platform's decoder puts in place of what is no UTF-8. */
const REPLACEMENT = "\uFFFD";

// The mark at the start of a text is text here, not a byte order mark.
const platformDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const platformEncoder = new TextEncoder();
const chars = String.fromCharCode;

/** The number of bytes that `text` encodes to. */
export function encodedLength(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) length += 1;
    else if (isPair(text, i, unit)) {
      length += 2;
      i++;
    } else length += 2;
  }
  return length;
}

/** A bound of the encoded length: no unit takes more than three bytes. To count the bytes takes longer than to encode. */
export function boundOf(text: string): number {
  return text.length * 3;
}

/** Writes `text` at `at`, where {@link boundOf} bytes have room, and returns the end. */
export function encodeInto(text: string, bytes: Uint8Array, at: number): number {
  const length = text.length;
  if (length > ENCODER_ABOVE) return encodeLong(text, bytes, at);
  let i = 0;
  for (; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return encodeFrom(text, i, bytes, at + i);
    bytes[at + i] = unit;
  }
  return at + i;
}

function encodeLong(text: string, bytes: Uint8Array, at: number): number {
  // The platform's encoder replaces a lone surrogate by as many bytes, so only well-formed text may go its way.
  if (text.isWellFormed()) return at + platformEncoder.encodeInto(text, bytes.subarray(at, at + boundOf(text))).written;
  return encodeFrom(text, 0, bytes, at);
}

function isPair(text: string, i: number, unit: number): boolean {
  if (unit < 0xd800 || unit > 0xdbff || i + 1 >= text.length) return false;
  return (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
}

function encodeFrom(text: string, from: number, bytes: Uint8Array, at: number): number {
  let end = at;
  for (let i = from; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      bytes[end++] = code;
      continue;
    }
    if (code < 0x800) {
      bytes[end++] = 0xc0 | (code >> 6);
      bytes[end++] = 0x80 | (code & 0x3f);
      continue;
    }
    if (isPair(text, i, code)) {
      code = 0x10000 + ((code & 0x3ff) << 10) + (text.charCodeAt(++i) & 0x3ff);
      bytes[end++] = 0xf0 | (code >> 18);
      bytes[end++] = 0x80 | ((code >> 12) & 0x3f);
    } else bytes[end++] = 0xe0 | (code >> 12);
    bytes[end++] = 0x80 | ((code >> 6) & 0x3f);
    bytes[end++] = 0x80 | (code & 0x3f);
  }
  return end;
}

/** The text of bytes [at, end), which {@link encodeInto} wrote. */
export function decode(bytes: Uint8Array, at: number, end: number): string {
  if (end - at >= DECODER_FROM) return decodeLong(bytes, at, end);
  for (let i = at; i < end; i++) if (bytes[i] >= 0x80) return decodeUnits(bytes, at, end);
  return decodeShort(bytes, at, end);
}

/** As {@link decode} where all bytes are ASCII. */
export function decodePlain(bytes: Uint8Array, at: number, end: number): string {
  if (end - at < DECODER_FROM) return decodeShort(bytes, at, end);
  if (copyToText !== undefined) return copyToText(bytes, at, end);
  return platformDecoder.decode(bytes.subarray(at, end));
}

type CopyToText = (bytes: Uint8Array, at: number, end: number) => string;

/**
 * Makes a text of bytes, a unit each, where the runtime has such a thing (Node's Buffer). It copies and interprets
 * nothing: so the bytes may be shared ones that another thread changes meanwhile, if the text is thrown away then.
 */
export const copyToText: CopyToText | undefined = findCopy();

function findCopy(): CopyToText | undefined {
  const host = globalThis as { Buffer?: { prototype?: { latin1Slice?: (at: number, end: number) => string } } };
  const slice = host.Buffer?.prototype?.latin1Slice;
  if (typeof slice !== "function" || typeof SharedArrayBuffer !== "function") return undefined;
  const copy: CopyToText = (bytes, at, end) => slice.call(bytes, at, end);
  try {
    const bytes = new Uint8Array(new SharedArrayBuffer(4));
    bytes.set([0x61, 0x62, 0x63, 0x64]);
    return copy(bytes, 1, 3) === "bc" ? copy : undefined;
  } catch {
    return undefined;
  }
}

function decodeShort(bytes: Uint8Array, at: number, end: number): string {
  let text = "";
  let i = at;
  for (; i + 8 <= end; i += 8) {
    const head = chars(bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]);
    text += head + chars(bytes[i + 4], bytes[i + 5], bytes[i + 6], bytes[i + 7]);
  }
  return i === end ? text : text + decodeUpTo7(bytes, i, end - i);
}

// fromCharCode with its arguments spelt out is inlined; with a spread array it costs five times as much.
function decodeUpTo7(b: Uint8Array, i: number, count: number): string {
  switch (count) {
    case 1:
      return chars(b[i]);
    case 2:
      return chars(b[i], b[i + 1]);
    case 3:
      return chars(b[i], b[i + 1], b[i + 2]);
    case 4:
      return chars(b[i], b[i + 1], b[i + 2], b[i + 3]);
    case 5:
      return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4]);
    case 6:
      return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5]);
    default:
      return chars(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6]);
  }
}

function decodeLong(bytes: Uint8Array, at: number, end: number): string {
  const text = platformDecoder.decode(bytes.subarray(at, end));
  // A lone surrogate is no UTF-8: if there may be one, or a true replacement character, the loop decodes it. To look for
  // the character in a text of one byte a unit, as most are, costs nothing.
  return text.includes(REPLACEMENT) ? decodeUnits(bytes, at, end) : text;
}

function decodeUnits(bytes: Uint8Array, at: number, end: number): string {
  const parts: string[] = [];
  let units: number[] = [];
  for (let i = at; i < end; ) {
    const lead = bytes[i++];
    if (lead < 0x80) units.push(lead);
    else if (lead < 0xe0) units.push(((lead & 0x1f) << 6) | (bytes[i++] & 0x3f));
    else if (lead < 0xf0) units.push(((lead & 0x0f) << 12) | ((bytes[i++] & 0x3f) << 6) | (bytes[i++] & 0x3f));
    else {
      const high = ((lead & 7) << 18) | ((bytes[i++] & 0x3f) << 12);
      const code = (high | ((bytes[i++] & 0x3f) << 6) | (bytes[i++] & 0x3f)) - 0x10000;
      units.push(0xd800 | (code >> 10), 0xdc00 | (code & 0x3ff));
    }
    if (units.length > 4000) {
      parts.push(chars(...units));
      units = [];
    }
  }
  parts.push(chars(...units));
  return parts.join("");
}
