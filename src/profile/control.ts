// Turning the recording on and off: one switch of the process, in the memory that all its threads record in.

import { store } from "../cells/atomics.ts";
import { sharedNanoseconds } from "../region/host.ts";
import {
  C_DATE,
  C_ENDED,
  C_ON,
  C_SAMPLE,
  C_SESSIONS,
  C_STARTED,
  C_THRESHOLD,
  HEAP_AT,
} from "../region/record-layout.ts";
import { controlWords, recordRegistry } from "../region/record-memory.ts";

/** What is recorded of each wait. */
export interface RecordOptions {
  /** Nanoseconds below which a wait has no call site. */
  readonly threshold: number;
  /** One of so many waits above it has one. */
  readonly sampleEvery: number;
}

/** The recording under way, or the last one. */
export interface Session extends RecordOptions {
  /** From 1; 0 if there was none yet. */
  readonly number: number;
  readonly on: boolean;
  /** On the clock that all threads share. */
  readonly started: number;
  /** Now, or when it ended. */
  readonly ended: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

function floats(): Float64Array {
  return new Float64Array(controlWords().buffer, 0, HEAP_AT >> 1);
}

/** Begins a recording; one that is under way ends. */
export function beginRecording({ threshold, sampleEvery }: RecordOptions): void {
  recordRegistry();
  const control = controlWords();
  store(control, C_ON, 0);
  control[C_THRESHOLD] = Math.ceil(threshold / 1000);
  control[C_SAMPLE] = sampleEvery;
  const times = floats();
  times[C_STARTED >> 1] = sharedNanoseconds();
  times[C_ENDED >> 1] = 0;
  times[C_DATE >> 1] = Date.now();
  const number = control[C_SESSIONS] + 1;
  control[C_SESSIONS] = number;
  store(control, C_ON, number);
}

/** Ends the recording; what it recorded can still be read. */
export function endRecording(): void {
  const control = controlWords();
  if (control[C_ON] === 0) return;
  store(control, C_ON, 0);
  floats()[C_ENDED >> 1] = sharedNanoseconds();
}

export function sessionNow(): Session {
  const control = controlWords();
  const times = floats();
  const ended = times[C_ENDED >> 1];
  return {
    number: control[C_SESSIONS],
    on: control[C_ON] !== 0,
    threshold: control[C_THRESHOLD] * 1000,
    sampleEvery: control[C_SAMPLE],
    started: times[C_STARTED >> 1],
    ended: ended === 0 ? sharedNanoseconds() : ended,
    startedAt: times[C_DATE >> 1],
  };
}
