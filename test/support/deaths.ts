// How many threads a test may end: a browser takes 2 s for each that computes or blocks, Bun and Deno as long where many
// compute, Node no time.

/** `count`, or a tenth of it where each takes long. */
export function affordableDeaths(count: number): number {
  const { node, bun, deno } = (process.versions as Record<string, string | undefined> | undefined) ?? {};
  return node === undefined || bun !== undefined || deno !== undefined ? Math.ceil(count / 10) : count;
}
