// The queue of a fair semaphore: two entries a thread slot, one for the thread's sync wait and one for the first of its
// tasks that wait, in the order of their tickets. All of it changes under the semaphore's mutex.
//
// Entry   TOKEN (owner id, 0: nobody waits) | TICKET | WANT (permits) | CALLS (sequence of wakes: the waiter's cell)
//
// Invariant: W of VALUE is set while an entry is in use, so nobody takes by the fast path past the queue; a release that
// finds W looks at the queue. The living entry with the oldest ticket is the first: it alone may take, and whoever made
// it the first or gave permits wakes it if there are enough. A waiter puts its entry in place and sets W before it looks
// at VALUE, and a release changes VALUE before it looks at W, so one of the two sees the other.
// An entry whose thread is dead counts as none. Who took permits as the first wakes the next one if it left enough.
// Tasks are special: their thread may block elsewhere while they are first. A waiter behind such an entry that sees
// enough permits lie there for it too long sends it to the end of the queue.

import { add, cas, load, peek, poke } from "../cells/atomics.ts";
import { wakeAll } from "../cells/park.ts";
import { markWaiters, NEXT_TICKET, permitsOf, SEMAPHORE_WORDS, VALUE } from "../protocols/semaphore.ts";
import type { Region } from "../region/region.ts";
import { isAlive, probe } from "../region/threads.ts";
import { addHeld, holderWords } from "./semaphore-holders.ts";
import type { SemaphorePlace } from "./semaphore-place.ts";

const TOKEN = 0;
const TICKET = 1;
const WANT = 2;
const CALLS = 3;
const ENTRY_WORDS = 4;

/** A request in the queue, or on its way into it. */
export interface Queued {
  readonly n: number;
  readonly task: boolean;
  /** Changes when the entry is sent to the end. */
  ticket: number;
  /** Whether the entry is this request's. */
  placed: boolean;
}

/** Words that the queue of a fair semaphore needs. */
export function queueWords(region: Region): number {
  return region.maxThreads * 2 * ENTRY_WORDS;
}

function entryAt(place: SemaphorePlace, number: number): number {
  const holders = place.owned ? holderWords(place.region) : 0;
  return place.index + SEMAPHORE_WORDS + holders + number * ENTRY_WORDS;
}

function numberOf(owner: number, task: boolean): number {
  return (owner & 0xfff) * 2 + (task ? 1 : 0);
}

/** The cell on which this thread, or its tasks, wait in the queue. */
export function queueCell(place: SemaphorePlace, task: boolean): number {
  return entryAt(place, numberOf(place.me, task)) + CALLS;
}

/** Draws the ticket of a new request. */
export function drawTicket(place: SemaphorePlace): number {
  return add(place.region.memory.words, place.index + NEXT_TICKET, 1);
}

/** The number of the first living entry, apart from two; -1 if there is none. Clears entries of the dead. */
function firstBut(place: SemaphorePlace, but: number, butToo: number): number {
  const words = place.region.memory.words;
  let first = -1;
  for (let number = 0; number < place.region.maxThreads * 2; number++) {
    if (number === but || number === butToo) continue;
    const at = entryAt(place, number);
    const owner = peek(words, at + TOKEN);
    if (owner === 0) continue;
    if (!isAlive(words, owner)) poke(words, at + TOKEN, 0);
    else if (first < 0 || (peek(words, at + TICKET) - peek(words, entryAt(place, first) + TICKET)) >> 31 < 0)
      first = number;
  }
  return first;
}

/** The number of the entry that stands before the request, -1 if none does. */
function before(place: SemaphorePlace, request: Queued, ask: boolean): number {
  const words = place.region.memory.words;
  const mine = numberOf(place.me, request.task);
  // This thread's tasks can't go on while it blocks, so they don't stand before its sync wait.
  const other = firstBut(place, mine, request.task ? -1 : numberOf(place.me, true));
  if (other < 0) return -1;
  const at = entryAt(place, other);
  if ((peek(words, at + TICKET) - request.ticket) >> 31 === 0) return -1;
  return ask && probe(words, peek(words, at + TOKEN)) ? before(place, request, ask) : other;
}

/**
 * One step of a request, with the mutex held: takes its permits if it is the first and they are there. `more`: other
 * tasks of this thread stand behind this one, so the entry stays, for the next one to make its own.
 */
export function queueStep(place: SemaphorePlace, request: Queued, more: boolean, ask: boolean): boolean {
  const words = place.region.memory.words;
  const at = entryAt(place, numberOf(place.me, request.task));
  if (request.placed) request.ticket = peek(words, at + TICKET);
  poke(words, at + TICKET, request.ticket);
  poke(words, at + WANT, request.n);
  poke(words, at + TOKEN, place.me);
  const renewed = !request.placed;
  request.placed = true;
  markWaiters(words, place.index, 1);
  if (before(place, request, ask) < 0) {
    for (;;) {
      const word = load(words, place.index + VALUE);
      if (permitsOf(word) < request.n) break;
      if (cas(words, place.index + VALUE, word, word - request.n) !== word) continue;
      if (place.owned) addHeld(place, request.n);
      leaveQueue(place, request, more);
      return true;
    }
  }
  // A task that came after another one of its thread may stand further behind than that one did.
  if (renewed && request.task) callFirst(place);
  return false;
}

/** The request leaves the queue, with the mutex held. `keep`: the entry stays for the thread's next task. */
export function leaveQueue(place: SemaphorePlace, request: Queued, keep: boolean): void {
  if (!request.placed) return;
  request.placed = false;
  if (!keep) poke(place.region.memory.words, entryAt(place, numberOf(place.me, request.task)) + TOKEN, 0);
  callFirst(place);
}

/** Wakes the first waiter if there are permits enough for it, or takes W away if nobody waits; with the mutex held. */
export function callFirst(place: SemaphorePlace): void {
  const words = place.region.memory.words;
  const first = firstBut(place, -1, -1);
  if (first < 0) {
    markWaiters(words, place.index, 0);
    return;
  }
  if (permitsOf(load(words, place.index + VALUE)) < peek(words, entryAt(place, first) + WANT)) return;
  if ((first & 1) === 0) call(words, entryAt(place, first));
  // A task's thread may block elsewhere: the others must see how long the permits lie there.
  else callEveryone(place);
}

function call(words: Int32Array, at: number): void {
  add(words, at + CALLS, 1);
  wakeAll(words, at + CALLS);
}

/** Wakes all who are in the queue, and ends every wait that was left armed on its cells. */
export function callEveryone(place: SemaphorePlace, all = false): void {
  const words = place.region.memory.words;
  for (let number = 0; number < place.region.maxThreads * 2; number++) {
    const at = entryAt(place, number);
    if (all || peek(words, at + TOKEN) !== 0) call(words, at);
  }
}

/**
 * The ticket of a task that stands before the request although there are permits enough for it, undefined if there is
 * none; with the mutex held.
 */
export function taskThatTarries(place: SemaphorePlace, request: Queued): number | undefined {
  const words = place.region.memory.words;
  const other = before(place, request, false);
  if (other < 0 || (other & 1) === 0) return undefined;
  const at = entryAt(place, other);
  if (permitsOf(load(words, place.index + VALUE)) < peek(words, at + WANT)) return undefined;
  return peek(words, at + TICKET);
}

/** Sends the task's entry before the request to the end if it still has that ticket; with the mutex held. */
export function sendToEnd(place: SemaphorePlace, request: Queued, ticket: number): void {
  const words = place.region.memory.words;
  const other = before(place, request, false);
  if (other < 0 || peek(words, entryAt(place, other) + TICKET) !== ticket) return;
  poke(words, entryAt(place, other) + TICKET, drawTicket(place));
  callFirst(place);
}
