// holdfast/tables: shared tables, and what is built on and beside them. Named exports only.

export { type CounterHandle, type CounterOptions, SharedCounter } from "./counter.ts";
export { type LogHandle, type LogOptions, type LogReaderOptions, type LogStats, SharedLog } from "./log.ts";
export { LogReader, type LogValue } from "./log-reader.ts";
export { type MapHandle, type MapOptions, SharedMap } from "./map.ts";
export { type MultiMapHandle, type MultiMapOptions, SharedMultiMap } from "./multi-map.ts";
export { type QueueHandle, type QueueStats, SharedQueue } from "./queue.ts";
export type { QueueOptions, QueueValue } from "./queue-steps.ts";
export { type SetHandle, type SetOptions, SharedSet } from "./set.ts";
export {
  SharedTable,
  type SharedTableConstructor,
  type Snapshots,
  snapshotAll,
  type TableHandle,
  type TableOptions,
} from "./shared-table.ts";
export { StringPool, type StringPoolHandle, type StringPoolOptions } from "./string-pool.ts";
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
