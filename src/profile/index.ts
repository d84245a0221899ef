// holdfast/profile: the contention profiler.
export type { ProfileOptions, ProfileStats } from "./profile.ts";
export { Profiler, profile } from "./profile.ts";
export type {
  Frame,
  Histogram,
  LockCounts,
  LockProfile,
  Profile,
  Site,
  Span,
  TableProfile,
  ThreadProfile,
} from "./types.ts";
export type { WaitNow } from "./wait-graph.ts";
