// Broken versions of how objects of the dead are given back: each is one patch of the compiled code.
import type { Mutant } from "../model.ts";

const file = "region/orphans.js";
const WRONG: Mutant["expect"] = ["exception", "final", "invariant"];

export const orphanMutants: readonly Mutant[] = [
  {
    name: "orphans: what is shared keeps its maker's tag",
    file,
    find: "if (tag < 0)\n        cas(words, at, tag, 0);",
    replace: "",
    model: "orphans: shared, its maker dies",
    expect: WRONG,
  },
  {
    name: "orphans: share() of a lock gives nothing away",
    file: "locks/place.js",
    find: "if (this.isCurrent())\n            this.region.giveAway(this.#offset);",
    replace: "",
    model: "orphans: a fair mutex is made and shared",
    expect: WRONG,
  },
  {
    name: "orphans: the tag is looked at before its maker, and not after",
    file,
    find: " && load(memory.words, at) === tag",
    replace: "",
    model: "orphans: shared, its maker dies",
    expect: WRONG,
  },
  {
    name: "orphans: nobody asks whether the maker lives",
    file,
    find: "!isAlive(memory.words, -tag)",
    replace: "true",
    model: "orphans: given back, and who does so dies",
    expect: WRONG,
  },
  {
    name: "orphans: an object goes before its parts",
    file,
    find: "[...parts, ...orphans]",
    replace: "[...orphans, ...parts]",
    model: "orphans: given back, and who does so dies",
    expect: WRONG,
  },
  {
    name: "orphans: the parts stay",
    file,
    find: "[...parts, ...orphans]",
    replace: "orphans",
    model: "orphans: given back, and who does so dies",
    expect: WRONG,
  },
  {
    name: "orphans: any tenant of the seat counts as the maker",
    file: "region/threads.js",
    find: "return load(words, slotWord(slot) + T_STATE) === (((owner >>> 12) << 2) | SLOT_ALIVE);",
    replace: "return (load(words, slotWord(slot) + T_STATE) & 3) === SLOT_ALIVE;",
    model: "orphans: a later tenant of the seat shares its own",
    expect: WRONG,
  },
  {
    name: "orphans: deaths during the search count as looked for",
    file,
    find: "store(words, H_SWEPT, deaths);",
    replace: "store(words, H_SWEPT, load(words, H_DEATHS));",
    model: "orphans: shared, its maker dies",
    expect: WRONG,
  },
];
