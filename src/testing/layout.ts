// The words of a state, as the transition system (machine.ts) and the searches see it.
//
//   0 clock | 1 crashes left | 2 crash hooks due | 3 clock jumps left | 4 tainted | 5 last thread + 1 | 6 preemptions
//   7 crashed | 8 blocked in wait | 9 queue length | node of each thread ... | queue: {cell, who, due} ... | words ...
//
// 2, 4, 7 and 8 are bit sets of threads. The queue is that of queue.ts, the words are those of space.ts.

export const CLOCK = 0;
export const CRASHES = 1;
export const HOOKS = 2;
export const JUMPS = 3;
export const TAINTED = 4;
export const LAST = 5;
export const PREEMPTIONS = 6;
export const CRASHED = 7;
export const BLOCKED = 8;
export const QUEUED = 9;
export const NODE = 10;
