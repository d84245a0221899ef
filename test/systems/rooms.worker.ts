// A thread that joins, leaves, connects and disconnects at random; every third one is killed by the test as it goes.
import { parentPort } from "node:worker_threads";
import { ExpiringEntries, type ExpiringEntriesHandle } from "../../src/systems/expiring-entries.ts";
import { Rooms, type RoomsHandle } from "../../src/systems/rooms.ts";
import { data, finish } from "../support/watchdog.ts";

const work = data<{ rooms: RoomsHandle; typing: ExpiringEntriesHandle; each: number; killed: boolean; seed: number }>();
const rooms = Rooms.from(work.rooms);
const typing = ExpiringEntries.from(work.typing);
let state = (work.seed * 1000 + work.index) >>> 0;

function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

for (let i = 0; i < work.each || work.killed; i++) {
  const member = `m${random(12)}`;
  const room = `r${random(4)}`;
  const what = random(6);
  if (what === 0) rooms.connect(member, { by: work.index });
  else if (what === 1) rooms.disconnect(member);
  else if (what === 2) rooms.change(member, ({ rooms: in_ }) => ({ leave: in_.slice(0, 2) }));
  else rooms.change(member, () => ({ join: [room, `r${random(4)}`], data: { by: work.index, i } }));
  typing.put(room, member, i, member, () => rooms.isIn(member, room));
  if (what === 5) typing.sweep(0);
  if (work.killed && i === 50) parentPort?.postMessage("going");
}
finish(true);
