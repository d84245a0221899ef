export type { Failure, Body, ExploreOptions, ExploreResult, ThreadOptions } from "./explore.ts";
export { check, explore } from "./explore.ts";
export type { ModelErrorCode } from "./errors.ts";
export { ModelError } from "./errors.ts";
export type { FailureKind, ThreadStatus } from "./judge.ts";
export { discarded, optimistic, validated } from "./markers.ts";
export type { Names, TraceStep, WordName } from "./trace.ts";
