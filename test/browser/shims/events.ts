// getEventListeners of node:events for abort signals: the browser does not tell, so additions and removals are counted.
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
