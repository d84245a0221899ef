// Writes texts of one character each into one key, or reads the key and tells how many it read that are not.

import { type MapHandle, SharedMap } from "../../src/tables/map.ts";
import { data, finish, step } from "../support/watchdog.ts";

const { map: handle, rounds, index } = data<{ map: MapHandle; rounds: number }>();
const map = SharedMap.from(handle);
const characters = ["a", "b", "é", "\ud800"];
const lengths = [20_000, 30_000, 6000, 900];

function write(): number {
  for (let k = 0; k < rounds; k++) {
    step(`write ${k}`);
    map.set("key", characters[(k * 7) % 4].repeat(lengths[k % 3]));
  }
  return 0;
}

function read(): number {
  let torn = 0;
  for (let k = 0; k < rounds; k++) {
    step(`read ${k}`);
    const text = map.get("key") ?? "";
    if (!lengths.includes(text.length) || text !== text[0].repeat(text.length)) torn++;
  }
  return torn;
}

finish(index % 2 === 0 ? write() : read());
