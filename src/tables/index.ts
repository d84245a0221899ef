// holdfast/tables: shared tables. Named exports only.

export {
  SharedTable,
  type SharedTableConstructor,
  type Snapshots,
  snapshotAll,
  type TableHandle,
  type TableOptions,
} from "./shared-table.ts";
export type {
  AnyRow,
  Columns,
  ColumnType,
  KeyOf,
  KeyType,
  NumericColumn,
  RowOf,
  TableCheck,
  TableKey,
  TableStats,
  TableTransaction,
  ValueOf,
  Versioned,
} from "./types.ts";
