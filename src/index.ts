// holdfast: locks over shared memory. Named exports only; see holdfast/tables and the other subpaths for the rest.

export type { AsyncWaitOptions, WaitOptions } from "./cells/deadline.ts";
export {
  BlockingForbiddenError,
  BrokenBarrierError,
  ClosedError,
  DeadlockError,
  type ErrorCode,
  type ErrorInfo,
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
export { Barrier, type BarrierHandle, type BarrierOptions } from "./locks/barrier.ts";
export {
  type AsyncConditionWaitOptions,
  Condition,
  type ConditionHandle,
  type ConditionOptions,
  type ConditionWaitOptions,
} from "./locks/condition.ts";
export type { ConditionLock, ReacquireOptions, SavedHold } from "./locks/condition-lock.ts";
export { Event, type EventHandle, type EventOptions } from "./locks/event.ts";
export type { AcquireOptions, AsyncAcquireOptions, MutexStats } from "./locks/exclusive-options.ts";
export { Guard } from "./locks/guard.ts";
export { Latch, type LatchHandle, type LatchOptions } from "./locks/latch.ts";
export { type LockOrderReport, type LockOrderSighting, lockOrder } from "./locks/lock-order.ts";
export { type AsyncLockOptions, type LockOptions, Mutex, type MutexHandle, type MutexOptions } from "./locks/mutex.ts";
export { Once, type OnceHandle, type OnceOptions } from "./locks/once.ts";
export {
  type AsyncReentrantLockOptions,
  ReentrantGuard,
  type ReentrantLockOptions,
  ReentrantMutex,
  type ReentrantMutexHandle,
  type ReentrantMutexOptions,
} from "./locks/reentrant-mutex.ts";
export { type AsyncRwOptions, ReadGuard, type RwOptions, UpgradableGuard, WriteGuard } from "./locks/rw-guards.ts";
export {
  RwLock,
  type RwLockHandle,
  type RwLockOptions,
  type RwReadGuard,
  type RwUpgradableGuard,
  type RwWriteGuard,
} from "./locks/rw-lock.ts";
export { Semaphore, type SemaphoreHandle, type SemaphoreOptions } from "./locks/semaphore.ts";
export { StampedReadGuard, StampedWriteGuard } from "./locks/stamped-guards.ts";
export { StampedLock, type StampedLockHandle, type StampedLockOptions } from "./locks/stamped-lock.ts";
export { defaultRegion, setDefaultRegion } from "./region/default-region.ts";
export { Region, type RegionHandle, type RegionOptions } from "./region/region.ts";
