// A failing run, as people read it: one column per thread, and the shared words by their names after each step.
import { actorOf, CRASH, DELIVER, DO, FIRE, HOOK, JUMP, kindOf, TIMEOUT } from "./choices.ts";
import { CRASHED } from "./layout.ts";
import type { Machine } from "./machine.ts";
import {
  CAS,
  KIND_NAMES,
  LOAD,
  NOTIFY,
  NOW,
  type Op,
  PLAIN_READ,
  PLAIN_WRITE,
  STORE,
  WAIT,
  WAIT_ASYNC,
} from "./ops.ts";
import { elemOf, isView, type Space } from "./space.ts";

/** A shared word's name, and how to print its value. */
export interface WordName {
  readonly name: string;
  readonly show?: (value: number | bigint) => string;
}

/** Names of the words of a view, by index (holes are allowed); or of each view of a memory object, by its key. */
export type Names = readonly (string | WordName)[] | { readonly [key: string]: readonly (string | WordName)[] };

export interface TraceStep {
  readonly thread: number;
  readonly text: string;
  /** Named words that this step changed; before the first, all of them (of many, those that are not 0). */
  readonly words: string;
}

interface Word {
  readonly addr: number;
  readonly elem: ReturnType<typeof elemOf>;
  readonly name: string;
  readonly show: (value: number | bigint) => string;
}

const plainly = (value: number | bigint): string =>
  typeof value === "number" && Number.isInteger(value) && Math.abs(value) > 0xffff
    ? `0x${(value >>> 0).toString(16)}`
    : String(value);

export class Naming {
  readonly words: Word[] = [];
  private readonly views: { key: string; elem: Word["elem"]; base: number; length: number }[] = [];
  private readonly byAddress = new Map<number, Word>();

  constructor(space: Space, memory: unknown, names: Names | undefined) {
    const views: [string, Int32Array, readonly (string | WordName)[]][] = [];
    if (isView(memory)) {
      views.push(["", memory as Int32Array, (names as readonly (string | WordName)[] | undefined) ?? []]);
    } else if (typeof memory === "object" && memory !== null) {
      for (const [key, part] of Object.entries(memory)) {
        const given = (names as Record<string, readonly (string | WordName)[]> | undefined)?.[key] ?? [];
        if (isView(part)) views.push([key, part as Int32Array, given]);
      }
    }
    for (const [key, view, given] of views) this.addView(space, key, view, given);
  }

  private addView(space: Space, key: string, view: Int32Array, given: readonly (string | WordName)[]): void {
    const elem = elemOf(view);
    const base = space.baseOf(view.buffer) + view.byteOffset;
    const few = view.length <= 8;
    this.views.push({ key, elem, base, length: view.length });
    for (let i = 0; i < (few ? view.length : Math.min(given.length, view.length)); i++) {
      const entry = given[i] as string | WordName | undefined;
      // Of many words, only those that have a name are shown.
      if (!few && entry === undefined) continue;
      const own = typeof entry === "string" ? entry : entry?.name;
      const plain = key === "" ? `[${i}]` : view.length === 1 ? key : `${key}[${i}]`;
      const show = typeof entry === "object" ? (entry.show ?? plainly) : plainly;
      const word: Word = { addr: base + i * elem.size, elem, name: own ?? plain, show };
      this.words.push(word);
      if (!this.byAddress.has(word.addr)) this.byAddress.set(word.addr, word);
    }
  }

  nameOf(addr: number): string {
    const named = this.byAddress.get(addr)?.name;
    if (named !== undefined) return named;
    const view = this.views.find((v) => addr >= v.base && addr < v.base + v.length * v.elem.size);
    return view === undefined ? `byte ${addr}` : `${view.key}[${(addr - view.base) / view.elem.size}]`;
  }

  show(addr: number, value: unknown): string {
    if (typeof value !== "number" && typeof value !== "bigint") return String(value);
    return (this.byAddress.get(addr)?.show ?? plainly)(value);
  }
}

export function describeOp(op: Op, naming: Naming, result: unknown): string {
  const where = naming.nameOf(op.addr);
  const show = (v: unknown): string => naming.show(op.addr, v);
  switch (op.kind) {
    case NOW:
      return `now → ${String(result)}`;
    case LOAD:
    case PLAIN_READ:
      return `${op.kind === LOAD ? "load" : "read"} ${where} → ${show(result)}`;
    case STORE:
    case PLAIN_WRITE:
      return `${op.kind === STORE ? "store" : "write"} ${where} = ${show(op.a)}`;
    case CAS:
      return result === op.a
        ? `cas ${where} ${show(op.a)} ⇒ ${show(op.b)}`
        : `cas ${where} ${show(op.a)} ⇒ ${show(op.b)} fails: ${show(result)}`;
    case NOTIFY:
      return `notify ${where}${op.a === Number.POSITIVE_INFINITY ? " all" : ` ${String(op.a)}`} → ${String(result)}`;
    case WAIT:
    case WAIT_ASYNC: {
      const outcome = result === undefined ? "sleeps" : typeof result === "number" ? "armed" : String(result);
      return `${KIND_NAMES[op.kind]} ${where} while ${show(op.a)} → ${outcome}`;
    }
    default:
      return `${KIND_NAMES[op.kind]} ${where} ${show(op.a)} → ${show(result)}`;
  }
}

export class Tracer {
  readonly steps: TraceStep[] = [];
  readonly vec: Int32Array;
  private readonly machine: Machine;
  private readonly naming: Naming;
  private readonly schedule: readonly number[];

  constructor(machine: Machine, naming: Naming, schedule: readonly number[]) {
    this.machine = machine;
    this.naming = naming;
    this.schedule = schedule;
    this.vec = machine.initial();
    this.steps.push({ thread: -1, text: "", words: this.words(undefined) });
  }

  /** Takes the steps that are left. May have to be called again after an async replay. */
  run(allowed: (vec: Int32Array, c: number) => boolean): number | undefined {
    for (let i = this.steps.length - 1; i < this.schedule.length; i++) {
      const c = this.schedule[i];
      if (!allowed(this.vec, c)) return i;
      const next = this.vec.slice();
      const op = this.machine.pending(next, actorOf(c));
      this.machine.step(next, c);
      const before = this.vec.slice();
      this.vec.set(next);
      this.steps.push({ thread: actorOf(c), text: this.text(c, op), words: this.words(before) });
    }
    return undefined;
  }

  private text(c: number, op: Op | undefined): string {
    const { result } = this.machine;
    switch (kindOf(c)) {
      case DO:
        return describeOp(op as Op, this.naming, result);
      case JUMP:
        return `${describeOp(op as Op, this.naming, result)} (time passed)`;
      case CRASH:
        return "✝ dies";
      case HOOK:
        return "(its death is noticed)";
      case TIMEOUT:
        return "wakes: timed-out";
      case DELIVER:
        return `event: waitAsync ${String(result)}`;
      case FIRE:
        return result === "fired" ? "event: timer" : `event: waitAsync ${String(result)}`;
      default:
        return "?";
    }
  }

  private words(before: Int32Array | undefined): string {
    const { space, wordsAt } = this.machine;
    const parts: string[] = [];
    for (const { addr, elem, name, show } of this.naming.words) {
      const value = space.read(this.vec, wordsAt, addr, elem);
      if (before === undefined && this.naming.words.length > 8 && Number(value) === 0) continue;
      if (before === undefined || !Object.is(value, space.read(before, wordsAt, addr, elem))) {
        parts.push(`${name}=${show(value)}`);
      }
    }
    return parts.join(" ");
  }

  dead(t: number): boolean {
    return ((this.vec[CRASHED] >> t) & 1) === 1;
  }
}

/** The columns, as text. */
export function columns(names: readonly string[], steps: readonly TraceStep[]): string {
  const widths = names.map((name, t) =>
    Math.max(name.length, ...steps.filter((s) => s.thread === t).map((s) => s.text.length)),
  );
  const row = (index: string, cells: readonly string[], words: string): string =>
    `${index.padStart(4)} │ ${cells.map((cell, t) => cell.padEnd(widths[t])).join(" │ ")} │ ${words}`.trimEnd();
  const lines = [row("step", names, "shared words")];
  lines.push(`${"─".repeat(5)}┼${widths.map((w) => "─".repeat(w + 2)).join("┼")}┼${"─".repeat(14)}`);
  steps.forEach((step, i) => {
    const cells = names.map((_, t) => (t === step.thread ? step.text : ""));
    lines.push(row(i === 0 ? "" : String(i), cells, step.words));
  });
  return lines.join("\n");
}
