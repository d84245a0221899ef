// Text to bytes and back: generalised UTF-8 (WTF-8), which is UTF-8 plus three bytes for a lone surrogate, so that every
// JavaScript string comes back as it was.
//
// Only private memory is read and written here: bytes that another thread may change are copied out and validated first.

/** The longest key or text value, in encoded bytes. */
export const MAX_TEXT_BYTES = 1024 * 1024;

/** Above this many units the bytes are counted before room is made for them; below, three bytes a unit are assumed. */
const COUNT_ABOVE = 256;
/** From here on the platform's decoder and encoder are faster than a loop. */
const PLATFORM_FROM = 25;

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

/** A bound of the encoded length that is cheap for short text and exact for long. */
export function boundOf(text: string): number {
  return text.length <= COUNT_ABOVE ? text.length * 3 : encodedLength(text);
}

/** Writes `text` at `at`, where {@link boundOf} bytes have room, and returns the end. */
export function encodeInto(text: string, bytes: Uint8Array, at: number): number {
  const length = text.length;
  if (length > COUNT_ABOVE) return encodeLong(text, bytes, at);
  let i = 0;
  for (; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return encodeFrom(text, i, bytes, at + i);
    bytes[at + i] = unit;
  }
  return at + i;
}

function encodeLong(text: string, bytes: Uint8Array, at: number): number {
  const target = bytes.subarray(at, at + encodedLength(text));
  const { read, written } = platformEncoder.encodeInto(text, target);
  // The platform's encoder replaces a lone surrogate, so only well-formed text may stay as it wrote it.
  if (read === text.length && text.isWellFormed()) return at + written;
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
  if (end - at >= PLATFORM_FROM) return decodeLong(bytes, at, end);
  for (let i = at; i < end; i++) if (bytes[i] >= 0x80) return decodeUnits(bytes, at, end);
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
  // A surrogate, which only a lone one is encoded as, starts with ED and A0 or more: the platform's decoder has no idea.
  const part = bytes.subarray(at, end);
  for (let i = part.indexOf(0xed); i >= 0; i = part.indexOf(0xed, i + 1)) {
    if (part[i + 1] >= 0xa0) return decodeUnits(bytes, at, end);
  }
  return platformDecoder.decode(part);
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
