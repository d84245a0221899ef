// Broken versions of the shipped read-write lock: each is one patch of the compiled code, and the failure it must give.
import type { Mutant } from "../model.ts";

const PROTOCOL = "protocols/rw-lock.js";
const STAMPED = "protocols/stamped.js";
const LOOP = "locks/rw-waiting.js";
const LOST = ["lost-wakeup", "deadlock"] as const;

export const rwLockMutants: readonly Mutant[] = [
  {
    name: "rw: a writer that looks on drops the announcement of a sleeper",
    file: "protocols/rw-spin.js",
    find: "cas(words, index + MODE, 0, CLOSED)",
    replace: "cas(words, index + MODE, load(words, index + MODE), CLOSED)",
    model: "rw: 1 reader × 2, 1 writer, spinning",
    expect: LOST,
  },
  {
    name: "rw: the last reader does not wake the writer",
    file: LOOP,
    find: "wakeAll(words, index + DRAIN);",
    replace: ";",
    model: "rw: 1 reader × 2, 1 writer",
    expect: LOST,
  },
  {
    name: "rw: an opening does not wake the readers",
    file: LOOP,
    find: "wakeAll(words, index + OPENINGS);",
    replace: ";",
    model: "rw: 1 reader × 2, 1 writer",
    expect: LOST,
  },
  {
    name: "rw: an opening is not counted: a task sleeps through it",
    file: PROTOCOL,
    find: "add(words, index + OPENINGS, 1);",
    replace: "",
    model: "rw: 1 async reader, 1 writer",
    expect: LOST,
  },
  {
    name: "rw: the writer does not look at the counts",
    file: PROTOCOL,
    find: "else if (firstHeld(words, index, 0) === 0) {",
    replace: "else if (index !== -1) {",
    model: "rw: 1 reader × 2, 1 writer",
    expect: ["race", "exception"],
  },
  {
    name: "rw: the reader does not look at the mode",
    file: PROTOCOL,
    find: "if (mode === 0 && before < MAX_READS)",
    replace: "if (before < MAX_READS)",
    model: "rw: 1 reader × 2, 1 writer",
    expect: ["race", "exception"],
  },
  {
    name: "rw: an arrival that backs off does not tell the writer",
    file: PROTOCOL,
    find: "return owed !== 0 ? BACKED_OFF : MUST_WAIT;",
    replace: "return MUST_WAIT;",
    model: "rw: 1 reader × 2, 1 writer",
    expect: LOST,
  },
  {
    name: "rw: a reader is admitted and the writer not told to look again",
    file: PROTOCOL,
    find: "(mode & ADMITTED) !== 0 || cas(words, index + MODE, mode, mode | ADMITTED) === mode)",
    replace: "index !== -1)",
    model: "rw: 1 reader × 2, 1 writer × 2",
    expect: ["race", "exception"],
  },
  {
    name: "rw: a dead writer leaves no doubt",
    file: PROTOCOL,
    find: "(mode & WRITING) !== 0 ? POISONED : 0",
    replace: "0",
    model: "rw: 1 reader, 1 writer, a death",
    expect: ["exception"],
  },
  {
    name: "rw: the holds of a dead reader are not given back",
    file: LOOP,
    find: "giveBack(words, cell, owner);",
    replace: ";",
    model: "rw: 1 reader, 1 writer, a death",
    expect: [...LOST, "livelock", "endless"],
  },
  {
    name: "rw: a new tenant keeps the count of the dead one",
    file: PROTOCOL,
    find: "store(words, cell + C_COUNT, 0);",
    replace: "",
    model: "rw: a dead reader's slot has a new tenant, 1 writer",
    expect: [...LOST, "livelock", "endless", "race"],
  },
  {
    name: "rw: a downgrade is not counted",
    file: PROTOCOL,
    find: "add(words, cell + C_COUNT, 1);\n    const owed = openMode(words, index);",
    replace: "const owed = openMode(words, index);",
    model: "rw: a downgrade, 1 writer",
    expect: [...LOST, "race", "exception"],
  },
  {
    name: "rw: released unmarked, the lock stays in use",
    file: PROTOCOL,
    find: "owed = doubt ? closeForGood(words, index) : openMode(words, index);",
    replace: "owed = openMode(words, index);",
    model: "rw: doubt left unmarked, a death",
    expect: ["exception"],
  },
  {
    name: "rw: the version does not tell that somebody writes",
    file: STAMPED,
    find: "store(words, index + VERSION, (version & 1) === 0 ? version + 1 : version >= LAST ? 1 : version + 2);",
    replace: "",
    model: "rw: 1 optimistic reader, 1 writer × 2",
    expect: ["exception"],
  },
];
