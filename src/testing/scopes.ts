// Variables that a body can see and change: state outside the memory that the replays alone might not give away.
//
// A variable that one body sets once and another reads looks the same in every replay after the first. Where the engine
// lets a program look into its own closures (Node's inspector, without a debugger), the variables in the scopes around
// each body are compared before and after the body ran alone. Elsewhere this check is left out.

import { hostModule } from "./host.ts";

interface Session {
  connect(): void;
  disconnect(): void;
  post(method: string, params: object, callback: (error: unknown, result: Answer) => void): void;
}

interface Property {
  readonly name: string;
  readonly value?: {
    readonly type: string;
    readonly value?: unknown;
    readonly description?: string;
    readonly objectId?: string;
  };
}

interface Answer {
  readonly result?: Property["value"] | Property[];
  readonly internalProperties?: Property[];
}

const KEY = "__holdfastModelBody";

/** Reads the variables around functions; `close` it when done. */
export class Scopes {
  private readonly session: Session;

  private constructor(session: Session) {
    this.session = session;
  }

  static open(): Scopes | undefined {
    const inspector = hostModule<{ Session: new () => Session }>("inspector");
    try {
      if (inspector === undefined) return undefined;
      const session = new inspector.Session();
      session.connect();
      return new Scopes(session);
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.session.disconnect();
  }

  /** Name and value of every variable in the scopes around a function: primitives, and the sizes of collections. */
  variables(fn: unknown): Map<string, string> {
    const found = new Map<string, string>();
    const scope = globalThis as unknown as Record<string, unknown>;
    scope[KEY] = fn;
    try {
      const id = (this.ask("Runtime.evaluate", { expression: KEY }).result as Property["value"])?.objectId;
      for (const inner of this.internals(id)) {
        if (inner.name !== "[[Scopes]]") continue;
        this.properties(inner.value?.objectId).forEach((level, i) => {
          if (level.value?.description?.startsWith("Global")) return;
          for (const { name, value } of this.properties(level.value?.objectId)) {
            if (value !== undefined)
              found.set(`${i}.${name}`, `${value.type} ${value.value ?? value.description ?? ""}`);
          }
        });
      }
    } finally {
      Reflect.deleteProperty(globalThis, KEY);
    }
    return found;
  }

  private properties(objectId: string | undefined): Property[] {
    if (objectId === undefined) return [];
    return (
      (this.ask("Runtime.getProperties", { objectId, ownProperties: true }).result as Property[] | undefined) ?? []
    );
  }

  private internals(objectId: string | undefined): Property[] {
    if (objectId === undefined) return [];
    return this.ask("Runtime.getProperties", { objectId, ownProperties: true }).internalProperties ?? [];
  }

  private ask(method: string, params: object): Answer {
    let answer: Answer = {};
    this.session.post(method, params, (error, result) => {
      if (error === null || error === undefined) answer = result;
    });
    return answer;
  }
}

/** The name of a variable whose value differs. */
export function changed(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string | undefined {
  for (const [name, value] of after) if (before.get(name) !== value) return name.slice(name.indexOf(".") + 1);
  return undefined;
}
