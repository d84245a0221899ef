// Bodies for race.test.ts.
import type { RaceContext } from "../../src/testing/index.ts";
import { futexLock, futexUnlock } from "./textbook.ts";

export function increment({ data, at }: RaceContext): void {
  const cell = data as Int32Array;
  at("read");
  const old = Atomics.load(cell, 0);
  at("write");
  Atomics.store(cell, 0, old + 1);
  at("written");
}

export function lockedIncrement(context: RaceContext): void {
  const cell = context.data as Int32Array;
  futexLock(cell, 1);
  increment(context);
  futexUnlock(cell, 1);
}

export function rounds({ data, threads, round }: RaceContext): string {
  const before = Atomics.add(data as Int32Array, 0, 1);
  return Math.floor(before / threads) === round ? "in step" : "out of step";
}

export async function later({ name }: RaceContext): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 1));
  return name;
}

export function hang({ data, index, mark }: RaceContext): void {
  if (index !== 0) return;
  mark("asleep on word 0");
  Atomics.wait(data as Int32Array, 0, 0);
}

export function spin({ mark }: RaceContext): void {
  mark("spinning");
  for (;;);
}

export function throws({ index }: RaceContext): void {
  if (index === 1) throw new RangeError("from the body");
}

export function leaves({ index }: RaceContext): void {
  if (index === 0) process.exit(7);
}
