// The default region of a process. The main thread publishes it when holdfast is loaded, so every worker created later
// receives it by itself and `Mutex.named("x")` is one lock in all threads. Publishing reserves address space only.

import { describe } from "../cells/deadline.ts";
import { RegionError } from "../cells/errors.ts";
import { canPublish, isMainThread, publish, published } from "./host.ts";
import { LAYOUT_VERSION } from "./layout.ts";
import { Region, type RegionHandle } from "./region.ts";

const KEY = `holdfast:default-region:${LAYOUT_VERSION}`;

let current: Region | undefined;
/** Whether other threads have the default region too (or will): what makes a name mean one thing. */
let shared = false;

function inherited(): Region | undefined {
  const handle = published(KEY) as RegionHandle | undefined;
  return handle === undefined ? undefined : Region.from(handle);
}

/** The region that locks and tables take when they are given none; made on first use where none was received. */
export function defaultRegion(): Region {
  if (current === undefined) {
    current = inherited();
    if (current === undefined) setDefaultRegion(Region.create({ name: "default" }), isMainThread);
    else shared = true;
  }
  return current as Region;
}

/** The default region, for looking up a name: an error where no other thread could have the same one. */
export function defaultRegionForNames(): Region {
  const region = defaultRegion();
  if (!shared && canPublish) {
    throw new RegionError(
      "ERR_REGION_NOT_SHARED",
      "this worker received no default region, so a name would mean another object here than in other threads: import " +
        "holdfast in the main thread before it creates workers, or pass a handle (share() and from()), or give { region }",
    );
  }
  return region;
}

/**
 * Makes `region` the default one of this thread, and of every worker that it creates from now on. With `known` false no
 * other thread gets it, and names need an explicit region. Throws TypeError if it is no Region.
 */
export function setDefaultRegion(region: Region, known = true): void {
  if (!(region instanceof Region)) throw new TypeError(`the default region must be a Region, got ${describe(region)}`);
  current = region;
  shared = known;
  // A region that this thread alone has is not handed down: below this thread a name would mean one thing, elsewhere another.
  if (known) publish(KEY, region.share());
}

// Workers that are created before the main thread makes its first lock must have the region too, so it can't be lazy.
// Where shared memory is not to be had the error comes with the first use, not with the import.
if (isMainThread && canPublish) {
  try {
    defaultRegion();
  } catch {
    current = undefined;
  }
}
