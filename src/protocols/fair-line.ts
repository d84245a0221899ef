// The line in which threads and tasks wait for a fair lock. Each seat of the region has two nodes of its own, so nobody
// claims or frees any: one for the thread when it sleeps, one for its tasks, of which the first in their own line stands
// here for all.
//
// Word 0  TICKETS  the last ticket drawn; never set back, also if the memory becomes the line of another lock
// Word 1  MARK     seats above this one never waited here: how far a look along the line goes
// Then for each seat two nodes of four words, the thread's and the tasks':
//   STATE  0: nobody waits | IN_LINE, and LATE if it is passed over, with the ticket of 28 bits
//   OWNER  who waits: an owner id, stored before STATE; of an earlier tenant of the seat: nobody waits
//   SEQ    sequence of wakes: bumped before the waiter is woken
//
// Legal transitions of STATE: 0 → in line by its waiter; in line → late by any waiter behind a task that does not come for
// a free lock; late → in line by the waiter, as soon as it runs; → 0 by the waiter, or by anyone once its owner is dead.
// Each by a compare-exchange, but for the first and third, which only the waiter's thread makes, by a store.

import { add, cas, type i32, load, store, type Words } from "../cells/atomics.ts";

const TICKETS: i32 = 0;
const MARK: i32 = 1;
const NODES: i32 = 4;
const NODE_WORDS: i32 = 4;
const OWNER: i32 = 1;
/** Word of a node on which its waiter sleeps. */
export const NODE_SEQ: i32 = 2;

const IN_LINE: i32 = 1 << 28;
const LATE: i32 = 1 << 29;
const TICKET: i32 = (1 << 28) - 1;

/** Words of a line in a region with so many seats. */
export function lineWords(seats: i32): i32 {
  return NODES + 2 * seats * NODE_WORDS;
}

/** The node of the owner's thread, or of its tasks. */
export function nodeOf(line: i32, owner: i32, tasks: i32): i32 {
  return line + NODES + ((owner & 0xfff) * 2 + tasks) * NODE_WORDS;
}

/** The nodes from {@link nodeAt} 0 up to this one, exclusive, are all that may be in line. */
export function lengthOf(words: Words, line: i32): i32 {
  return load(words, line + MARK) * 2;
}

export function nodeAt(line: i32, at: i32): i32 {
  return line + NODES + at * NODE_WORDS;
}

/** Whether the node at this place is one for tasks. */
export function isTasks(at: i32): boolean {
  return (at & 1) === 1;
}

export function isInLine(state: i32): boolean {
  return (state & IN_LINE) !== 0;
}

export function isLate(state: i32): boolean {
  return (state & LATE) !== 0;
}

/** Whether the first state's ticket was drawn before the second one's. */
export function isBefore(state: i32, other: i32): boolean {
  return ((state & TICKET) - (other & TICKET)) << 4 < 0;
}

export function waiterOf(words: Words, node: i32): i32 {
  return load(words, node + OWNER);
}

/** A place in line: a state for {@link enterLine}. */
export function drawTicket(words: Words, line: i32): i32 {
  return IN_LINE | ((add(words, line + TICKETS, 1) + 1) & TICKET);
}

/** The node's waiter stands in line, and is passed over no longer. */
export function enterLine(words: Words, line: i32, node: i32, me: i32, state: i32): void {
  const seats = (me & 0xfff) + 1;
  for (;;) {
    const mark = load(words, line + MARK);
    if (mark >= seats || cas(words, line + MARK, mark, seats) === mark) break;
  }
  store(words, node + OWNER, me);
  store(words, node, state);
}

/** The waiter with this place leaves the line; what the node serves by now, if that is another, stays. */
export function leaveLine(words: Words, node: i32, state: i32): void {
  if (cas(words, node, state, 0) !== state) cas(words, node, state | LATE, 0);
}

/** Passes over a waiter that does not come. */
export function passOver(words: Words, node: i32, state: i32): void {
  cas(words, node, state, state | LATE);
}

/** Bumps the node's sequence; the caller wakes its sleeper then. */
export function bump(words: Words, node: i32): void {
  add(words, node + NODE_SEQ, 1);
}

/** Makes a line of zeroed words, or of those of an earlier line, for which tickets go on. */
export function renewLine(words: Words, line: i32, seats: i32): void {
  for (let at: i32 = 0; at < 2 * seats; at++) store(words, nodeAt(line, at), 0);
}
