// holdfast: locks over shared memory. Named exports only; see holdfast/tables and the other subpaths for the rest.

export type { AsyncWaitOptions, WaitOptions } from "./cells/deadline.ts";
export {
  BlockingForbiddenError,
  ClosedError,
  DeadlockError,
  type ErrorCode,
  type ErrorDetails,
  HoldfastError,
  NotOwnerError,
  NotRecoverableError,
  OwnerDiedError,
  RegionError,
  type SharedError,
  TableError,
  TimeoutError,
  WouldDeadlockError,
} from "./cells/errors.ts";
export { Guard } from "./locks/guard.ts";
export {
  type AsyncLockOptions,
  type LockOptions,
  Mutex,
  type MutexHandle,
  type MutexOptions,
  type MutexStats,
} from "./locks/mutex.ts";
export { type AsyncRwOptions, ReadGuard, type RwOptions, UpgradableGuard, WriteGuard } from "./locks/rw-guards.ts";
export {
  RwLock,
  type RwLockHandle,
  type RwLockOptions,
  type RwReadGuard,
  type RwUpgradableGuard,
  type RwWriteGuard,
} from "./locks/rw-lock.ts";
export { StampedReadGuard, StampedWriteGuard } from "./locks/stamped-guards.ts";
export { StampedLock, type StampedLockHandle, type StampedLockOptions } from "./locks/stamped-lock.ts";
export { defaultRegion, setDefaultRegion } from "./region/default-region.ts";
export { Region, type RegionHandle, type RegionOptions } from "./region/region.ts";
