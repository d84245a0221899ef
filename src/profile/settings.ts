// How a run is to be profiled: from the command line of `npx holdfast profile` to the process that it starts.

export interface Settings {
  /** The folder that the files go to. */
  readonly out: string;
  /** Milliseconds. */
  readonly threshold: number;
  readonly sampleEvery: number;
  /** Write the profile so far after each so many milliseconds. */
  readonly everyMs?: number | undefined;
  /** Write it at this signal too. */
  readonly signal?: string | undefined;
  /** Serve the live page on this port of the loopback address; 0: any free one. */
  readonly watchPort?: number | undefined;
  /** The process that asked for it: its child is the application. */
  readonly parent?: number | undefined;
}

export const DEFAULTS: Settings = { out: "holdfast-profile", threshold: 0.1, sampleEvery: 1 };

/** The settings in the environment variable; what is missing or no JSON is as by default. */
export function readSettings(json: string | undefined): Settings {
  try {
    return { ...DEFAULTS, ...(JSON.parse(json ?? "{}") as Partial<Settings>) };
  } catch {
    return DEFAULTS;
  }
}

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000 };

/** A time as people write it, "1ms", "50us", "2s" or a plain number of milliseconds: in milliseconds. Throws RangeError. */
export function parseTime(option: string, text: string): number {
  const found = /^(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m)?$/.exec(text.trim());
  if (found === null) throw new RangeError(`--${option} takes a time such as 50us, 1ms or 2s, not "${text}"`);
  return Number(found[1]) * UNITS[found[2] ?? "ms"];
}
