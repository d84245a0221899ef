// uvu for a page's worker: the same suites, one after the other, and their numbers as a value instead of text.

type Body = () => unknown;

export interface Numbers {
  readonly passed: number;
  /** What failed, as text. */
  readonly failures: readonly string[];
}

const queue: (() => Promise<void>)[] = [];
const failures: string[] = [];
let passed = 0;
let chosen: (title: string) => boolean = () => true;

interface Hook {
  (body: Body): void;
  each(body: Body): void;
}

interface Tests {
  (title: string, body: Body): void;
  before: Hook;
  after: Hook;
  skip(): void;
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
      if (chosen(full)) await one(full, body);
    }
    await all(bodies.after);
  };
  return Object.assign((title: string, body: Body) => void tests.push([title, body]), {
    before: hook(bodies.before, bodies.beforeEach),
    after: hook(bodies.after, bodies.afterEach),
    skip: () => undefined,
    run: () => void queue.push(run),
  });
}

export const test: Tests = suite();

/** Runs every suite that was handed over by `run()`, but for tests whose title `choose` refuses. */
export async function runAll(choose: (title: string) => boolean): Promise<Numbers> {
  chosen = choose;
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next();
  return { passed, failures };
}
