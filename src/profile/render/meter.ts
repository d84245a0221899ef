// The profile as OpenTelemetry metrics, for a meter that the application gives. Nothing is imported for it: what is
// needed of a meter is said here, and that of @opentelemetry/api has it.
//
// Invariant: one snapshot is taken for each collection, so all figures of a collection belong together.

import type { Profile } from "../types.ts";
import { figure, LOCK_FIGURES, LOCK_WAIT, TABLE_FIGURES, tablesByName } from "./metrics.ts";

interface InstrumentOptions {
  readonly description?: string;
  readonly unit?: string;
}

/** Hands figures to the meter that collects. */
interface BatchResult<I> {
  observe(instrument: I, value: number, attributes?: Record<string, string>): void;
}

type Callback<I> = (result: BatchResult<I>) => void | Promise<void>;

/** What is needed of a meter; `Meter` of @opentelemetry/api is one. */
export interface MeterLike<I> {
  createObservableCounter(name: string, options?: InstrumentOptions): I;
  createObservableGauge(name: string, options?: InstrumentOptions): I;
  addBatchObservableCallback(callback: Callback<I>, instruments: I[]): void;
  removeBatchObservableCallback(callback: Callback<I>, instruments: I[]): void;
}

/**
 * Registers instruments `holdfast.lock.…` and `holdfast.table.…` with a meter; each collection then asks `source` for a
 * profile. Times are in seconds. Returns what ends it. OpenTelemetry has no histogram that is observed, so waits are a
 * sum and a maximum here.
 */
export function meterInto<I>(meter: MeterLike<I>, source: () => Profile | Promise<Profile>): () => void {
  const create = (
    prefix: string,
    { name, help, unit, type }: (typeof LOCK_FIGURES)[number] | (typeof TABLE_FIGURES)[number],
  ): I => {
    const options = { description: help, unit };
    const full = `${prefix}.${name}`;
    return type === "counter"
      ? meter.createObservableCounter(full, options)
      : meter.createObservableGauge(full, options);
  };
  const locks = [LOCK_WAIT, ...LOCK_FIGURES].map((of) => ({ of, instrument: create("holdfast.lock", of) }));
  const tables = TABLE_FIGURES.map((of) => ({ of, instrument: create("holdfast.table", of) }));
  const instruments = [...locks, ...tables].map(({ instrument }) => instrument);
  const observe: Callback<I> = async (result) => {
    const profile = await source();
    for (const { id, name, kind, total } of profile.locks) {
      const attributes = { "holdfast.lock.id": id, "holdfast.lock.name": name, "holdfast.lock.kind": kind };
      for (const { of, instrument } of locks) result.observe(instrument, figure(of, total), attributes);
    }
    for (const table of tablesByName(profile)) {
      const attributes = { "holdfast.table.name": table.name, "holdfast.table.kind": table.kind };
      for (const { of, instrument } of tables) result.observe(instrument, figure(of, table), attributes);
    }
  };
  meter.addBatchObservableCallback(observe, instruments);
  return () => meter.removeBatchObservableCallback(observe, instruments);
}
