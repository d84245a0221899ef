// The sizes of blocks: 16 classes of 64 bytes up to 1 KiB, then four a doubling.
// Invariant: a class's blocks are the shortest of any class that hold what asks for it, and at most a quarter of one is unused.

/** The size class whose blocks hold at least `bytes` (a multiple of 64, header included). */
export function classFor(bytes: number): number {
  if (bytes <= 1024) return (bytes >> 6) - 1;
  const power = 31 - Math.clz32(bytes);
  const quarter = 1 << (power - 2);
  return 15 + (power - 10) * 4 + Math.ceil((bytes - 2 ** power) / quarter);
}

/** Bytes of a block of this class. */
export function classBytes(sizeClass: number): number {
  if (sizeClass <= 15) return (sizeClass + 1) << 6;
  const power = 10 + ((sizeClass - 15) >> 2);
  return 2 ** power + ((sizeClass - 15) & 3) * 2 ** (power - 2);
}
