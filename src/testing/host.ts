// The host's own modules, where there are any: asked for by name at run time, so that importing holdfast/testing needs no
// Node, and does without them elsewhere.

/** A built-in module of Node (or of what imitates it), or undefined. */
export function hostModule<T>(name: "vm" | "inspector" | "worker_threads"): T | undefined {
  const host = (globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }).process;
  try {
    return host?.getBuiltinModule?.(`node:${name}`) as T | undefined;
  } catch {
    return undefined;
  }
}
