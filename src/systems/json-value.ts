// Values that come back from JSON as they went in. JSON.stringify makes null of NaN, {} of a Map and a string of a Date
// without a word; a store that did so would hand out something else than it was given.

/** What JSON keeps. A property that is undefined counts as one that is not there. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** The text of a value. Throws TypeError for what JSON would lose, naming where it stands, and for a circle. */
export function encodeJson(value: unknown, what: string): string {
  check(value, what, []);
  return JSON.stringify(value);
}

function check(value: unknown, where: string, path: readonly object[]): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return;
    throw new TypeError(`${where} is ${value}, which JSON does not keep`);
  }
  if (typeof value !== "object") throw new TypeError(`${where} is of type ${typeof value}, which JSON does not keep`);
  if (path.includes(value)) throw new TypeError(`${where} is part of itself: a circle has no text`);
  const inside = [...path, value];
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) check(value[i], `${where}[${i}]`, inside);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if ((prototype !== Object.prototype && prototype !== null) || "toJSON" in value) {
    throw new TypeError(`${where} is no plain object, array, text, number, boolean or null: JSON would change it`);
  }
  for (const [name, part] of Object.entries(value)) {
    if (part !== undefined) check(part, `${where}.${name}`, inside);
  }
}
