// The one seam between holdfast and shared memory: nothing else in the library touches `Atomics`.
//
// Every function reaches `Atomics` through the global object at call time, so a model checker can put a simulated one
// in its place. The protocol files are compiled twice, by tsc against this file and by AssemblyScript against
// src/assembly/cells.ts, which has the same functions over WebAssembly's atomic instructions.
//
// Memory order: all functions but `peek` and `poke` are sequentially consistent. `peek` and `poke` are plain accesses:
// use them only for words that one thread owns at the time (a lock's holder, a slot's thread), where the lock word's
// atomic transition orders them.

/** A 32-bit integer; AssemblyScript has it as a type of its own. */
export type i32 = number;

/** The region's words; index 0 is the region's first word. AssemblyScript sees a base address instead. */
export type Words = Int32Array;

export function load(words: Words, index: i32): i32 {
  return Atomics.load(words, index);
}

export function store(words: Words, index: i32, value: i32): void {
  Atomics.store(words, index, value);
}

/** Adds and returns the old value. */
export function add(words: Words, index: i32, delta: i32): i32 {
  return Atomics.add(words, index, delta);
}

/** Compare-exchange; returns the old value, so it succeeded if that equals `expected`. */
export function cas(words: Words, index: i32, expected: i32, next: i32): i32 {
  return Atomics.compareExchange(words, index, expected, next);
}

/** Plain read of a word that this thread owns at the moment. */
export function peek(words: Words, index: i32): i32 {
  return words[index];
}

/** Plain write of a word that this thread owns at the moment. */
export function poke(words: Words, index: i32, value: i32): void {
  words[index] = value;
}
