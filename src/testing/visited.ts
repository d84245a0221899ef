// The set of states seen: open addressing over 96-bit fingerprints, with one Int32 of the search's own for each.
// Two states are taken as one if their fingerprints agree: among 10^7 states that happens by chance once in 10^14 runs.

const ENTRY = 4;

export class Visited {
  size = 0;
  /** Entry of the last `locate`; `value(at)` and `put` use it. */
  private slots: Int32Array;
  private mask: number;
  private h0 = 0;
  private h1 = 0;
  private h2 = 0;

  constructor(log2 = 12) {
    this.mask = (1 << log2) - 1;
    this.slots = new Int32Array((this.mask + 1) * ENTRY);
  }

  /** Adds the state if it is new. Returns its index; `fresh` tells which. */
  fresh = false;
  locate(vec: Int32Array, width: number): number {
    if (this.size * 4 > this.mask * 3) this.double();
    this.fingerprint(vec, width);
    let i = this.h0 & this.mask;
    for (;;) {
      const at = i * ENTRY;
      const s = this.slots;
      if (s[at] === 0 && s[at + 1] === 0 && s[at + 2] === 0) {
        s[at] = this.h0;
        s[at + 1] = this.h1;
        s[at + 2] = this.h2;
        this.size++;
        this.fresh = true;
        return i;
      }
      if (s[at] === this.h0 && s[at + 1] === this.h1 && s[at + 2] === this.h2) {
        this.fresh = false;
        return i;
      }
      i = (i + 1) & this.mask;
    }
  }

  value(index: number): number {
    return this.slots[index * ENTRY + 3];
  }

  put(index: number, value: number): void {
    this.slots[index * ENTRY + 3] = value;
  }

  /** Three multiplicative hashes with different multipliers, each finished as in MurmurHash3. */
  private fingerprint(vec: Int32Array, width: number): void {
    let a = 0x9e3779b9 | 0;
    let b = 0x7f4a7c15 | 0;
    let c = 0x6c62272e | 0;
    for (let i = 0; i < width; i++) {
      const v = vec[i];
      a = Math.imul(a ^ v, 0x85ebca6b);
      a ^= a >>> 15;
      b = Math.imul(b + v, 0xc2b2ae35);
      b ^= b >>> 13;
      c = Math.imul(c ^ (v + i), 0x27d4eb2f);
      c ^= c >>> 16;
    }
    this.h0 = finish(a);
    this.h1 = finish(b);
    // Never all zero: that marks a free slot.
    this.h2 = finish(c) | 1;
  }

  private double(): void {
    const old = this.slots;
    const mask = this.mask * 2 + 1;
    const slots = new Int32Array((mask + 1) * ENTRY);
    for (let at = 0; at < old.length; at += ENTRY) {
      if (old[at] === 0 && old[at + 1] === 0 && old[at + 2] === 0) continue;
      let i = old[at] & mask;
      while (slots[i * ENTRY] !== 0 || slots[i * ENTRY + 1] !== 0 || slots[i * ENTRY + 2] !== 0) i = (i + 1) & mask;
      slots.set(old.subarray(at, at + ENTRY), i * ENTRY);
    }
    this.slots = slots;
    this.mask = mask;
  }
}

function finish(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return x ^ (x >>> 16);
}
