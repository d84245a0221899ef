// What goes into a session store and comes out of it: checked keys, values as JSON, states as objects.

import { describe } from "../cells/deadline.ts";
import { encodeJson, type JsonValue } from "./json-value.ts";

/** Keys and values, without a prototype: any key is only what was stored under it. */
export type SessionState = { [key: string]: JsonValue | undefined };

/** Throws TypeError unless it is a string. */
export function checkKey(key: unknown): asserts key is string {
  // One type for all: 5 and "5" would else be one session or two, by the caller.
  if (typeof key !== "string") throw new TypeError(`a session's key must be a string, got ${describe(key)}`);
}

/** The keys, each checked. */
export function checkKeys(keys: Iterable<string>, call: string): string[] {
  if (typeof keys !== "object" || keys === null) throw new TypeError(`${call} needs an array of keys`);
  const all = [...keys];
  for (const key of all) checkKey(key);
  return all;
}

/** Key → JSON of each own property; undefined where the value is. Throws TypeError for what JSON would change. */
export function changesOf(values: object, call: string): Map<string, string | undefined> {
  if (typeof values !== "object" || values === null || Array.isArray(values) || values instanceof Map) {
    throw new TypeError(`${call} needs an object of keys and values, got ${describe(values)}`);
  }
  const changes = new Map<string, string | undefined>();
  for (const [key, value] of Object.entries(values)) {
    changes.set(key, value === undefined ? undefined : encodeJson(value, `the value of ${JSON.stringify(key)}`));
  }
  return changes;
}

/** The state that these texts stand for; keys without a text are left out. */
export function stateOf(texts: Iterable<readonly [string, string | undefined]>): SessionState {
  const state = Object.create(null) as SessionState;
  for (const [key, json] of texts) if (json !== undefined) state[key] = JSON.parse(json) as JsonValue;
  return state;
}
