// Private copies of rows: a thread encodes a row here before it takes a lock, and copies a row to here under the lock (or
// under a version it then validates) before it decodes it. No view of shared memory reaches a
// decoder (codec.ts).

import type { i32, Words } from "../cells/atomics.ts";

/** Rows in private memory, by word. */
export class Image {
  words: Int32Array;
  bytes: Uint8Array;
  f64: Float64Array;
  i64: BigInt64Array;

  constructor(words: number) {
    const buffer = new ArrayBuffer(words * 4 + ((words & 1) << 2));
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
  }

  /** Makes room for `words` words; what stands there stays. */
  reserve(words: number): void {
    if (words <= this.words.length) return;
    const grown = new Image(Math.max(words, this.words.length * 2));
    grown.words.set(this.words);
    this.words = grown.words;
    this.bytes = grown.bytes;
    this.f64 = grown.f64;
    this.i64 = grown.i64;
  }

  /** Copies `count` words from `from` of `words` to `at`. */
  copyIn(words: Words, from: i32, count: i32, at: i32): void {
    if (at + count > this.words.length) this.reserve(at + count);
    const own = this.words;
    if (count > 64) own.set(words.subarray(from, from + count), at);
    else for (let i = 0; i < count; i++) own[at + i] = words[from + i];
  }
}

/** The row that this thread is about to write. Valid until user code runs: then it must be encoded again. */
export const outgoing: Image = new Image(256);
/** The row that this thread read last. Valid until user code runs. */
export const incoming: Image = new Image(256);
