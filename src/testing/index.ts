// holdfast/testing: a model checker for code that calls Atomics, a linearizability checker, and a harness for races.
export type { ModelErrorCode } from "./errors.ts";
export { ModelError } from "./errors.ts";
export { check, explore } from "./explore.ts";
export type { Operation, Recorder } from "./history.ts";
export { historyClock, recordHistory } from "./history.ts";
export type { FailureKind, ThreadStatus } from "./judge.ts";
export type { LinearizabilityResult, SequentialModel } from "./linearize.ts";
export { checkLinearizable } from "./linearize.ts";
export type { Remembered } from "./markers.ts";
export { checkpoint, discarded, optimistic, scope, validated } from "./markers.ts";
export { mapModel, mutexModel, queueModel, registerModel, semaphoreModel } from "./models.ts";
export type { MutantCase, MutantOutcome, MutantsResult } from "./mutants.ts";
export { runMutants } from "./mutants.ts";
export type { Body, ExploreOptions, ExploreResult, Failure, ThreadOptions } from "./options.ts";
export type { RaceContext, RaceOptions, RaceResult } from "./race.ts";
export { RaceError, race } from "./race.ts";
export type { ThreadInfo } from "./run.ts";
export type { Names, TraceStep, WordName } from "./trace.ts";
