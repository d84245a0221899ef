// Sequential models for checkLinearizable: what a register, mutex, semaphore, map and queue do, one call at a time.
// An operation without a result (`returned` undefined) is allowed whatever it would have returned.
import type { Operation } from "./history.ts";
import type { SequentialModel } from "./linearize.ts";

/** True if the operation returned exactly this, or never returned. */
function gives(op: Operation, result: unknown): boolean {
  return (
    op.returned === undefined || Object.is(op.result, result) || JSON.stringify(op.result) === JSON.stringify(result)
  );
}

function unknown(model: string, op: Operation): never {
  throw new TypeError(`the ${model} model knows no operation "${op.name}"`);
}

/** read() → value; write(value); compareAndSet(expected, next) → boolean; add(delta) → the value before. */
export function registerModel<T>(initial: T): SequentialModel<{ value: T }> {
  return {
    name: "register",
    initial: () => ({ value: initial }),
    step(state, op) {
      const [x, y] = op.args as [T, T];
      switch (op.name) {
        case "read":
          return gives(op, state.value) ? state : undefined;
        case "write":
          return { value: x };
        case "compareAndSet": {
          const same = Object.is(state.value, x);
          if (!gives(op, same)) return undefined;
          return same ? { value: y } : state;
        }
        case "add":
          return gives(op, state.value) ? { value: ((state.value as number) + (x as number)) as T } : undefined;
        default:
          return unknown("register", op);
      }
    },
  };
}

/** lock() → undefined or true, or false if it gave up; tryLock() → boolean; unlock(). The owner is the calling thread. */
export function mutexModel(): SequentialModel<{ owner: number }> {
  return {
    name: "mutex",
    initial: () => ({ owner: -1 }),
    step(state, op) {
      const free = state.owner === -1;
      switch (op.name) {
        case "lock":
          if (op.returned !== undefined && op.result === false) return state;
          return free ? { owner: op.thread } : undefined;
        case "tryLock":
          if (!gives(op, free)) return undefined;
          return free ? { owner: op.thread } : state;
        case "unlock":
          return state.owner === op.thread ? { owner: -1 } : undefined;
        default:
          return unknown("mutex", op);
      }
    },
  };
}

/** acquire(n = 1), false if it gave up; tryAcquire(n = 1) → boolean; release(n = 1). */
export function semaphoreModel(permits: number, most = Number.POSITIVE_INFINITY): SequentialModel<{ permits: number }> {
  return {
    name: "semaphore",
    initial: () => ({ permits }),
    step(state, op) {
      const n = (op.args[0] as number | undefined) ?? 1;
      const enough = state.permits >= n;
      switch (op.name) {
        case "acquire":
          if (op.returned !== undefined && op.result === false) return state;
          return enough ? { permits: state.permits - n } : undefined;
        case "tryAcquire":
          if (!gives(op, enough)) return undefined;
          return enough ? { permits: state.permits - n } : state;
        case "release":
          return state.permits + n <= most ? { permits: state.permits + n } : undefined;
        default:
          return unknown("semaphore", op);
      }
    },
  };
}

type Entries = Readonly<Record<string, unknown>>;

function without(entries: Entries, key: string): Entries {
  return Object.fromEntries(Object.entries(entries).filter(([k]) => k !== key));
}

/**
 * get(key), set(key, value), has(key), delete(key) → boolean, take(key) → the value removed, getOrInsert(key, value) →
 * the winner, add(key, delta) → the new value; over the whole map: size(), clear(). Values are compared as JSON.
 */
export function mapModel(initial: Entries = {}): SequentialModel<Entries> {
  return {
    name: "map",
    initial: () => initial,
    keyOf: (op) => (op.name === "size" || op.name === "clear" ? undefined : String(op.args[0])),
    identify: (state) => JSON.stringify(Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1))),
    step(state, op) {
      const key = String(op.args[0]);
      const there = Object.hasOwn(state, key);
      const value = there ? state[key] : undefined;
      const put = (v: unknown): Entries => ({ ...state, [key]: v });
      switch (op.name) {
        case "get":
          return gives(op, value) ? state : undefined;
        case "has":
          return gives(op, there) ? state : undefined;
        case "set":
          return put(op.args[1]);
        case "delete":
          return gives(op, there) ? without(state, key) : undefined;
        case "take":
          return gives(op, value) ? without(state, key) : undefined;
        case "getOrInsert":
          return gives(op, there ? value : op.args[1]) ? (there ? state : put(op.args[1])) : undefined;
        case "add": {
          const sum = ((value as number | undefined) ?? 0) + (op.args[1] as number);
          return gives(op, sum) ? put(sum) : undefined;
        }
        case "size":
          return gives(op, Object.keys(state).length) ? state : undefined;
        case "clear":
          return {};
        default:
          return unknown("map", op);
      }
    },
  };
}

/** push(value); tryPush(value) → boolean; pop() → the oldest value; tryPop() → the oldest, undefined if empty. */
export function queueModel(capacity = Number.POSITIVE_INFINITY): SequentialModel<readonly unknown[]> {
  return {
    name: "queue",
    initial: () => [],
    step(state, op) {
      const room = state.length < capacity;
      switch (op.name) {
        case "push":
          return room ? [...state, op.args[0]] : undefined;
        case "tryPush":
          if (!gives(op, room)) return undefined;
          return room ? [...state, op.args[0]] : state;
        case "pop":
          return state.length > 0 && gives(op, state[0]) ? state.slice(1) : undefined;
        case "tryPop":
          return gives(op, state[0]) ? state.slice(1) : undefined;
        default:
          return unknown("queue", op);
      }
    },
  };
}
