// RawNumbers' twin on holdfast: the same members, each one atomic operation of a SharedTable.
import { SharedTable, type TableHandle } from "../../src/tables/shared-table.ts";

type Table = SharedTable<number, { value: number }>;

export class SafeNumbers {
  readonly #table: Table;

  constructor(table: Table = new SharedTable({ key: "i32", columns: { value: "i32" } })) {
    this.#table = table;
  }

  static from(handle: TableHandle<number, { value: number }>): SafeNumbers {
    return new SafeNumbers(SharedTable.from(handle));
  }

  share(): TableHandle<number, { value: number }> {
    return this.#table.share();
  }

  free(): void {
    this.#table.free();
  }

  read(key: number): number | undefined {
    return this.#table.get(key)?.value;
  }

  write(key: number, value: number): void {
    this.#table.set(key, { value });
  }

  add(key: number, delta: number): number {
    return this.#table.add(key, "value", delta);
  }

  remove(key: number): void {
    this.#table.delete(key);
  }
}
