// What the Wasm module exports: whole short operations of the protocols, bound to the memory's first byte.
import * as mutex from "../protocols/mutex";
import * as reentrant from "../protocols/reentrant-mutex";

export function tryLock(index: i32, me: i32): i32 {
  return mutex.tryLock(0, index, me);
}

export function unlock(index: i32, me: i32): i32 {
  return mutex.unlock(0, index, me);
}

export function unlockHold(index: i32, me: i32, ticket: i32): i32 {
  return mutex.unlockHold(0, index, me, ticket);
}

export function lockStep(index: i32, me: i32, slept: i32, starver: i32): i32 {
  return mutex.lockStep(0, index, me, slept, starver);
}

export function lockReentrant(index: i32, me: i32): i32 {
  return reentrant.lockReentrant(0, index, me);
}

export function unlockReentrant(index: i32, me: i32): i32 {
  return reentrant.unlockReentrant(0, index, me);
}

export function unlockLevel(index: i32, me: i32, ticket: i32): i32 {
  return reentrant.unlockLevel(0, index, me, ticket);
}
