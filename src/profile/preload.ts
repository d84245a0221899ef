// Loaded before an application (`node --import holdfast/profile/preload app.js`, or by `npx holdfast profile`): records
// the whole run of its main thread and of all its workers, and writes the profile when the process ends.
//
// Settings come as JSON in the environment variable HOLDFAST_PROFILE (see settings.ts); without it the defaults hold.
// Node loads this file in every worker too: there it must cost nothing, so all the rest is loaded in the main thread only.

import { isMainThread } from "node:worker_threads";

if (isMainThread) {
  const [{ begin }, { readSettings }] = await Promise.all([import("./record-run.ts"), import("./settings.ts")]);
  await begin(readSettings(process.env.HOLDFAST_PROFILE));
}
