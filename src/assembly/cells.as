// The cells of src/cells/atomics.ts for AssemblyScript: the same functions over WebAssembly's atomic instructions.
// `Words` is the address of the region's first byte (always 0: a region with a Wasm fast path is the memory itself).

export type Words = usize;

// @ts-ignore: decorator
@inline function at(words: Words, index: i32): usize {
  return words + (<usize>index << 2);
}

// @ts-ignore: decorator
@inline export function load(words: Words, index: i32): i32 {
  return atomic.load<i32>(at(words, index));
}

// @ts-ignore: decorator
@inline export function store(words: Words, index: i32, value: i32): void {
  atomic.store<i32>(at(words, index), value);
}

// @ts-ignore: decorator
@inline export function add(words: Words, index: i32, delta: i32): i32 {
  return atomic.add<i32>(at(words, index), delta);
}

// @ts-ignore: decorator
@inline export function cas(words: Words, index: i32, expected: i32, next: i32): i32 {
  return atomic.cmpxchg<i32>(at(words, index), expected, next);
}

// @ts-ignore: decorator
@inline export function peek(words: Words, index: i32): i32 {
  return load<i32>(at(words, index));
}

// @ts-ignore: decorator
@inline export function poke(words: Words, index: i32, value: i32): void {
  store<i32>(at(words, index), value);
}

// Of src/cells/park.ts, where threads park by Atomics.
// @ts-ignore: decorator
@inline export function park(words: Words, index: i32, expected: i32, ms: i32): i32 {
  return atomic.wait<i32>(at(words, index), expected, <i64>ms * 1000000);
}

// @ts-ignore: decorator
@inline export function wakeAll(words: Words, index: i32): i32 {
  return atomic.notify(at(words, index), -1);
}

// @ts-ignore: decorator
@inline export function wake(words: Words, index: i32, count: i32): i32 {
  return atomic.notify(at(words, index), count);
}
