// How a run's state reaches its workers: objects of holdfast and the raw rivals by their handles, all else as it is.
import { Event } from "../../src/locks/event.ts";
import { Latch } from "../../src/locks/latch.ts";
import { Mutex } from "../../src/locks/mutex.ts";
import { ReentrantMutex } from "../../src/locks/reentrant-mutex.ts";
import { SharedLog } from "../../src/tables/log.ts";
import { SharedMap } from "../../src/tables/map.ts";
import { SharedMultiMap } from "../../src/tables/multi-map.ts";
import { SharedQueue } from "../../src/tables/queue.ts";
import { SharedSet } from "../../src/tables/set.ts";
import { SharedTable } from "../../src/tables/shared-table.ts";
import { StringPool } from "../../src/tables/string-pool.ts";
import { SafeNumbers } from "./numbers.ts";
import { RawLock, RawName, RawNumbers, RawQueue } from "./raw.ts";
import type { State } from "./story.ts";

interface Kind {
  from(handle: never): object;
}

const kinds: Readonly<Record<string, Kind>> = {
  Event,
  Latch,
  Mutex,
  ReentrantMutex,
  SharedLog,
  SharedMap,
  SharedMultiMap,
  SharedQueue,
  SharedSet,
  SharedTable,
  StringPool,
  SafeNumbers,
  RawLock,
  RawName,
  RawNumbers,
  RawQueue,
};

interface Sent {
  readonly kind?: string;
  readonly value: unknown;
}

interface Shareable {
  share(): unknown;
  free?(): void;
  readonly table?: { free(): void };
}

function isShareable(value: unknown): value is Shareable {
  return typeof value === "object" && value !== null && "share" in value;
}

/** What is posted for a state. */
export function sendState(state: State): Record<string, Sent> {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => {
      if (!isShareable(value)) return [name, { value }];
      return [name, { kind: value.constructor.name, value: value.share() }];
    }),
  );
}

/** The state again, in a worker. */
export function receiveState(sent: Record<string, Sent>): State {
  return Object.fromEntries(
    Object.entries(sent).map(([name, { kind, value }]) => [
      name,
      kind === undefined ? value : kinds[kind].from(value as never),
    ]),
  );
}

/** Gives the memory of a run's objects back. */
export function freeState(state: State): void {
  for (const value of Object.values(state)) {
    if (!isShareable(value)) continue;
    if (value.free !== undefined) value.free();
    else value.table?.free();
  }
}
