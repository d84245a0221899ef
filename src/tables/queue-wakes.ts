// Who waits for a queue, and who owes a wake. All words but the cells' contents are read and written under the queue's
// mutex; a cell counts the wakes that were decided for it.
//
// FLAGS, a bit for each cell: someone may sleep on it (or has decided to, and read the cell).
//   ITEM   threads that wait for an entry: one is woken at a time
//   ROOM   threads that wait for an entry's place: one is woken at a time
//   SPACE  threads that wait for bytes though there is a place: all are woken, since who fits is not known
//   ITEM_TASKS, ROOM_TASKS   tasks (pop, push): all are woken, a thread that blocks must not sit on the only wake
//
// Transitions: a waiter that finds nothing to do sets its bit and reads the cell, releases the mutex, then sleeps on what
// it read. A change that may help finds the bit, clears it and moves the cell (a waiter that is not asleep yet will not
// fall asleep), and wakes after it released the mutex.
//
// Invariant: if a thread sleeps on ITEM beside an entry, then the bit is set (and no change has come since), or a thread
// that was woken for ITEM has yet to step, or an awake thread owes the wake. For the one that was woken passes on what
// the bit stood for: having taken an entry it wakes the next if there is another, else it sets the bit again; finding
// none it sets the bit by itself. The same for ROOM beside a free place; there the woken one may also find its bytes
// lacking: then it moves to SPACE and wakes the next, so every sleeper of ROOM is asked once at the most.
// A waiter whose time is over looks once more, as if it had been woken, before it leaves: no wake leaves with it.
//
// A thread that dies owing a wake, or woken and not stepped yet: the reaper wakes every sleeper, tasks look again at
// their next slice, and if it held the mutex the repair wakes everyone.

import { add, type i32, load, store, type Words } from "../cells/atomics.ts";
import { wake, wakeAll } from "../cells/park.ts";

export const ITEM: i32 = 1;
export const ROOM: i32 = 2;
export const SPACE: i32 = 4;
export const ITEM_TASKS: i32 = 8;
export const ROOM_TASKS: i32 = 16;
export const EVERYONE: i32 = 31;

/** Everyone whom a new entry may help, and everyone whom a removed one may help. */
export const FOR_ITEM: i32 = ITEM | ITEM_TASKS;
export const FOR_ROOM: i32 = ROOM | SPACE | ROOM_TASKS;

/** Words from the first of FLAGS and the cells. */
const FLAGS: i32 = 0;
const FIRST_CELL: i32 = 1;
const CELLS: i32 = 5;
export const WAKE_WORDS: i32 = FIRST_CELL + CELLS;

/** The word of a waiter's cell. */
export function cellOf(index: i32, waiter: i32): i32 {
  return index + FIRST_CELL + 31 - Math.clz32(waiter);
}

/** Announces a waiter and returns what it may sleep on. */
export function announce(words: Words, index: i32, waiter: i32): i32 {
  words[index + FLAGS] |= waiter;
  return load(words, cellOf(index, waiter));
}

/** The waiters of `whom` that are to be woken, and `forced` whether they are announced or not: the caller owes that. */
export function owe(words: Words, index: i32, whom: i32, forced: i32): i32 {
  const flags = words[index + FLAGS];
  const owed = (flags & whom) | forced;
  if (owed === 0) return 0;
  for (let cell: i32 = 0; cell < CELLS; cell++) {
    if ((owed & (1 << cell)) !== 0) add(words, index + FIRST_CELL + cell, 1);
  }
  store(words, index + FLAGS, flags & ~owed);
  return owed;
}

/** After an entry was taken by one that slept on `slept` (0: on nothing); `left`: there are more. Returns the wakes owed. */
export function afterPop(words: Words, index: i32, slept: i32, left: boolean): i32 {
  return owe(words, index, FOR_ROOM, 0) | passOn(words, index, slept, ITEM, left);
}

/** After an entry was put in; `left`: there is a place for another. */
export function afterPush(words: Words, index: i32, slept: i32, left: boolean): i32 {
  return owe(words, index, FOR_ITEM, 0) | passOn(words, index, slept, ROOM, left);
}

/** The one that was woken passes on: the wake if there is more of what it waited for, else the announcement. */
function passOn(words: Words, index: i32, slept: i32, waiter: i32, left: boolean): i32 {
  if (slept !== waiter) return 0;
  if (left) return owe(words, index, 0, waiter);
  announce(words, index, waiter);
  return 0;
}

/** What a push that found no room waits for; `full`: no place, else no bytes. */
export function waiterForRoom(slept: i32, full: boolean): i32 {
  if (slept === ROOM_TASKS) return ROOM_TASKS;
  return full ? ROOM : SPACE;
}

/** The wakes that a waiter owes if it leaves `waiter` for another cell, or fails, though it may have been woken there. */
export function movedFrom(words: Words, index: i32, slept: i32, waiter: i32): i32 {
  return slept === waiter ? owe(words, index, 0, waiter) : 0;
}

/** Pays what {@link owe} returned, once the mutex is released. */
export function pay(words: Words, index: i32, owed: i32, everyone: boolean): void {
  for (let cell: i32 = 0; cell < CELLS; cell++) {
    const waiter: i32 = 1 << cell;
    if ((owed & waiter) === 0) continue;
    if (!everyone && (waiter === ITEM || waiter === ROOM)) wake(words, index + FIRST_CELL + cell, 1);
    else wakeAll(words, index + FIRST_CELL + cell);
  }
}
