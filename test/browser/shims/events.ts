// What the tests need of node:events. getEventListeners for abort signals: the browser does not tell, so additions and
// removals are counted. once for the shims' emitters.
const counts = new WeakMap<EventTarget, Set<unknown>>();
const { addEventListener, removeEventListener } = EventTarget.prototype;

EventTarget.prototype.addEventListener = function (this: EventTarget, ...args: Parameters<typeof addEventListener>) {
  const target = this ?? globalThis;
  const listeners = counts.get(target) ?? new Set();
  counts.set(target, listeners.add(args[1]));
  addEventListener.apply(target, args);
};
EventTarget.prototype.removeEventListener = function (
  this: EventTarget,
  ...args: Parameters<typeof removeEventListener>
) {
  const target = this ?? globalThis;
  counts.get(target)?.delete(args[1]);
  removeEventListener.apply(target, args);
};

export function getEventListeners(target: EventTarget): unknown[] {
  return [...(counts.get(target) ?? [])];
}

interface Emitter {
  once(name: string, listener: (value: never) => void): unknown;
}

/** The arguments of the next event of this name; rejects at "error". */
export function once(emitter: Emitter, name: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    emitter.once(name, (value) => resolve([value]));
    if (name !== "error") emitter.once("error", reject);
  });
}
