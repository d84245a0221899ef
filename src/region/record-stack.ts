// Call stacks: captured cheaply (V8 keeps the frames and turns them into text when asked), kept as text in the recording
// memory, each one once a thread. Frames of holdfast itself are left out: what is wanted is who called it.

import { originalPosition } from "./host.ts";

const MAX_FRAMES = 16;
/** More than is kept: the innermost ones are holdfast's own. */
const CAPTURED = 28;

/** Where the files of holdfast lie, if they lie apart from everything else. */
const own: string | undefined = folderOf(import.meta.url);

function folderOf(url: string): string | undefined {
  const at = url.lastIndexOf("/dist/src/");
  return at < 0 ? undefined : pathOf(url.slice(0, at + "/dist/src/".length));
}

function pathOf(file: string): string {
  if (!file.startsWith("file://")) return file;
  try {
    return decodeURIComponent(file.slice("file://".length));
  } catch {
    return file;
  }
}

interface Site {
  getFunctionName(): string | null;
  getTypeName(): string | null;
  getFileName(): string | null;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  isConstructor(): boolean;
}

interface StackError {
  stackTraceLimit?: number;
  prepareStackTrace?: unknown;
}

/** Milliseconds between two stacks that are captured for what may turn out to be short. */
const TRACE_MS = 0.25;
let lastTrace = 0;

/** Whether a stack may be captured although it may come to nothing; if so, the next one may a while later. */
export function isTraceDue(time: number): boolean {
  if (time - lastTrace < TRACE_MS) return false;
  lastTrace = time;
  return true;
}

/** The present stack, not formatted yet. */
export function captureTrace(): Error {
  const host = Error as unknown as StackError;
  const limit = host.stackTraceLimit;
  host.stackTraceLimit = CAPTURED;
  const trace = new Error();
  host.stackTraceLimit = limit;
  return trace;
}

/** The stack as text: a line a frame, innermost first: name, file, line, column, with tabs between. */
export function textOf(trace: Error): string {
  const lines: string[] = [];
  for (const frame of framesOf(trace)) {
    const [name, file, line, column] = frame;
    if (lines.length === 0 && own !== undefined && pathOf(file).startsWith(own)) continue;
    if (file.startsWith("node:") || file === "") continue;
    const origin = originalPosition(file, line, column) ?? { file, line, column };
    lines.push(`${clean(name)}\t${clean(pathOf(origin.file))}\t${origin.line}\t${origin.column}`);
    if (lines.length === MAX_FRAMES) break;
  }
  return lines.join("\n");
}

function clean(text: string): string {
  return text.replaceAll(/[\t\n\r]/g, " ").slice(0, 300);
}

type RawFrame = readonly [name: string, file: string, line: number, column: number];

function framesOf(trace: Error): RawFrame[] {
  const host = Error as unknown as StackError;
  const prepare = host.prepareStackTrace;
  let stack: unknown;
  try {
    host.prepareStackTrace = (_: Error, sites: readonly Site[]) => sites;
    stack = trace.stack;
  } finally {
    if (prepare === undefined) delete host.prepareStackTrace;
    else host.prepareStackTrace = prepare;
  }
  return Array.isArray(stack) ? (stack as Site[]).map(frameOf) : parseStack(String(stack));
}

function frameOf(site: Site): RawFrame {
  const name = site.getFunctionName() || "(anonymous)";
  return [
    site.isConstructor() ? `new ${name}` : name,
    site.getFileName() ?? "",
    site.getLineNumber() ?? 0,
    site.getColumnNumber() ?? 0,
  ];
}

/** The frames of a stack that the engine gives as text: "at name (file:1:2)" as V8, "name@file:1:2" as others do. */
export function parseStack(stack: string): RawFrame[] {
  const frames: RawFrame[] = [];
  for (const line of stack.split("\n")) {
    const found = /^\s*(?:at )?(?:(.*?)(?: \(|@))?([^()@\s]+):(\d+):(\d+)\)?$/.exec(line);
    if (found !== null) frames.push([found[1] || "(anonymous)", found[2], Number(found[3]), Number(found[4])]);
  }
  return frames;
}
