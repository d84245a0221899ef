// HalfSipHash-1-3 (Aumasson, Bernstein) with 32 bits of output over the words of a key: keyed, so that nobody who does
// not know the table's seed can craft keys that collide, and 32-bit arithmetic only.
//
// The key stands in whole words, little-endian; bytes of its last word beyond its length are ignored.

import { type i32, peek, type Words } from "../cells/atomics.ts";

const INIT_2: i32 = 0x6c796765;
const INIT_3: i32 = 0x74656462;
/** Rounds after the last block. */
const FINAL_ROUNDS: i32 = 3;

/** The hash of `byteLength` bytes that start at word `at`, under the 64-bit key (k0, k1). */
export function halfSipHash(words: Words, at: i32, byteLength: i32, k0: i32, k1: i32): i32 {
  let v0: i32 = k0;
  let v1: i32 = k1;
  let v2: i32 = k0 ^ INIT_2;
  let v3: i32 = k1 ^ INIT_3;
  const full: i32 = byteLength >>> 2;
  const tailBits: i32 = (byteLength & 3) << 3;
  let last: i32 = byteLength << 24;
  if (tailBits !== 0) last |= peek(words, at + full) & ((1 << tailBits) - 1);
  // One loop for blocks and final rounds: a final round is a round over the block 0.
  const end: i32 = full + FINAL_ROUNDS;
  for (let step: i32 = 0; step <= end; step++) {
    const block: i32 = step < full ? peek(words, at + step) : step === full ? last : 0;
    v3 ^= block;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= block;
    if (step === full) v2 ^= 0xff;
  }
  return v1 ^ v3;
}
