// What the tests need of node:timers/promises.

export function setTimeout<T>(milliseconds: number, value?: T): Promise<T | undefined> {
  return new Promise((resolve) => globalThis.setTimeout(resolve, milliseconds, value));
}

export function setImmediate<T>(value?: T): Promise<T | undefined> {
  return new Promise((resolve) => globalThis.setTimeout(resolve, 0, value));
}
