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
export {
  type AsyncConditionWaitOptions,
  Condition,
  type ConditionHandle,
  type ConditionOptions,
  type ConditionWaitOptions,
} from "./locks/condition.ts";
export type { ConditionLock, ReacquireOptions, SavedHold } from "./locks/condition-lock.ts";
export type { AcquireOptions, AsyncAcquireOptions, MutexStats } from "./locks/exclusive-lock.ts";
export { Guard } from "./locks/guard.ts";
export { type AsyncLockOptions, type LockOptions, Mutex, type MutexHandle, type MutexOptions } from "./locks/mutex.ts";
export {
  type AsyncReentrantLockOptions,
  ReentrantGuard,
  type ReentrantLockOptions,
  ReentrantMutex,
  type ReentrantMutexHandle,
  type ReentrantMutexOptions,
} from "./locks/reentrant-mutex.ts";
export { defaultRegion, setDefaultRegion } from "./region/default-region.ts";
export { Region, type RegionHandle, type RegionOptions } from "./region/region.ts";
