// How many threads a test may end: a browser takes 2 s for each that computes or blocks, where other runtimes take none.

/** `count`, or a tenth of it in a browser. */
export function affordableDeaths(count: number): number {
  const isBrowser = (process.versions as NodeJS.ProcessVersions | undefined)?.node === undefined;
  return isBrowser ? Math.ceil(count / 10) : count;
}
