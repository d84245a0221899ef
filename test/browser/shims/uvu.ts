// uvu for a page's worker: the same suites, one after the other, and their numbers as a value instead of text.

type Body = () => unknown;

export interface Numbers {
  readonly passed: number;
  /** What failed, as text. */
  readonly failures: readonly string[];
  /** For each test that was skipped, the reason. */
  readonly skipped: readonly string[];
}

const queue: (() => Promise<void>)[] = [];
const failures: string[] = [];
const skipped: string[] = [];
let passed = 0;
let reasonFor: (title: string) => string | undefined = () => undefined;
let starts: (title: string) => void = () => undefined;

interface Hook {
  (body: Body): void;
  each(body: Body): void;
}

interface Tests {
  (title: string, body: Body): void;
  before: Hook;
  after: Hook;
  skip(title: string): void;
  run(): void;
}

export function suite(name = ""): Tests {
  const tests: [string, Body][] = [];
  const bodies = { before: [] as Body[], after: [] as Body[], beforeEach: [] as Body[], afterEach: [] as Body[] };
  const hook = (all: Body[], each: Body[]): Hook =>
    Object.assign((body: Body) => void all.push(body), { each: (body: Body) => void each.push(body) });
  const all = async (list: readonly Body[]): Promise<void> => {
    for (const body of list) await body();
  };
  const one = async (title: string, body: Body): Promise<void> => {
    try {
      await all(bodies.beforeEach);
      await body();
      await all(bodies.afterEach);
      passed++;
    } catch (error) {
      failures.push(`${title}\n${error instanceof Error ? error.stack : String(error)}`);
    }
  };
  const run = async (): Promise<void> => {
    await all(bodies.before);
    for (const [title, body] of tests) {
      const full = name === "" ? title : `${name}: ${title}`;
      const reason = reasonFor(full);
      if (reason !== undefined) {
        skipped.push(reason);
        continue;
      }
      starts(full);
      await one(full, body);
    }
    await all(bodies.after);
  };
  return Object.assign((title: string, body: Body) => void tests.push([title, body]), {
    before: hook(bodies.before, bodies.beforeEach),
    after: hook(bodies.after, bodies.afterEach),
    skip: (title: string) => void skipped.push(title),
    run: () => void queue.push(run),
  });
}

export const test: Tests = suite();

/** Runs every suite that was handed over by `run()`, but for tests to which `skip` gives a reason. */
export async function runAll(
  skip: (title: string) => string | undefined,
  tell: (title: string) => void,
): Promise<Numbers> {
  reasonFor = skip;
  starts = tell;
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next();
  return { passed, failures, skipped };
}
