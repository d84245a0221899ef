// A Python dict under the GIL, over a shared map: each single operation is atomic, and what it throws is what CPython
// throws. This is what the documents' programs run on; anything made of two operations is the program's own affair.
import type { TableKey } from "../../src/tables/types.ts";

export class KeyError extends Error {
  override readonly name = "KeyError";
}

export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
}

interface Readable<K, V> {
  get(key: K): V | undefined;
}

/** `d[key]` */
export function getItem<K extends TableKey, V>(dict: Readable<K, V>, key: K): V {
  const value = dict.get(key);
  if (value === undefined) throw new KeyError(String(key));
  return value;
}

/** `del d[key]` */
export function delItem<K extends TableKey>(dict: { delete(key: K): boolean }, key: K): void {
  if (!dict.delete(key)) throw new KeyError(String(key));
}

/** `for key in d` */
export function* eachKey<K extends TableKey>(dict: { readonly size: number; keys(): Iterable<K> }): Generator<K, void> {
  const { size } = dict;
  for (const key of [...dict.keys()].sort()) {
    if (dict.size !== size) throw new RuntimeError("dictionary changed size during iteration");
    yield key;
  }
  if (dict.size !== size) throw new RuntimeError("dictionary changed size during iteration");
}

/** The message of the first thread that threw. */
export function thrown(values: readonly unknown[]): string | undefined {
  const error = values.find((value) => value instanceof Error);
  return error === undefined ? undefined : `${error.name}: ${error.message}`;
}
