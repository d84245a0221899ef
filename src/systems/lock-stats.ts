// What the locks of several tables went through, summed.

export interface LockStats {
  readonly acquisitions: number;
  /** Acquisitions that found the lock held. */
  readonly contended: number;
}

export function sumLockStats(all: readonly LockStats[]): LockStats {
  return {
    acquisitions: all.reduce((sum, { acquisitions }) => sum + acquisitions, 0),
    contended: all.reduce((sum, { contended }) => sum + contended, 0),
  };
}
