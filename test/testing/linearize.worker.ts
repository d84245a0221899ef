// Bodies whose operations linearize.test.ts records.
import { type Operation, type RaceContext, recordHistory } from "../../src/testing/index.ts";

interface Data {
  readonly clock: Int32Array;
  readonly cell: Int32Array;
}

export function atomic({ index, data }: RaceContext): readonly Operation[] {
  const { clock, cell } = data as Data;
  const recorder = recordHistory(clock, index);
  for (let i = 0; i < 5; i++) recorder.record("add", [1], () => Atomics.add(cell, 0, 1));
  return recorder.operations;
}

export function twoSteps({ index, data }: RaceContext): readonly Operation[] {
  const { clock, cell } = data as Data;
  const recorder = recordHistory(clock, index);
  for (let i = 0; i < 20; i++) {
    recorder.record("add", [1], () => {
      const old = Atomics.load(cell, 0);
      // Time for the other threads to come in between.
      for (let k = 0; k < 300; k++) Atomics.load(cell, 0);
      Atomics.store(cell, 0, old + 1);
      return old;
    });
  }
  return recorder.operations;
}
