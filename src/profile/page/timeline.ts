// One row for each thread: its waits and holds over time, on a canvas, as there may be tens of thousands. Mouse: hover to
// read, wheel with Ctrl to zoom, drag to move. Keyboard: arrows go from span to span and from thread to thread.
//
// Invariant: drawing is bounded by pixels: of spans in the same pixel of a row, one rectangle is drawn.

import type { SpanRow } from "../render/page-data.ts";
import { count, roundTime, time } from "../render/units.ts";
import { h, section } from "./dom.ts";
import { type App, chosen, toggle } from "./state.ts";

const ROW = 20;
const GUTTER = 120;
const AXIS = 24;
const FEW = 32;

const [THREAD, LOCK, HOLD, START, LENGTH] = [0, 1, 2, 3, 4] as const;

export interface Timeline {
  readonly element: HTMLElement;
  /** The data or the chosen lock has changed. */
  update(): void;
}

interface View {
  readonly app: App;
  readonly canvas: HTMLCanvasElement;
  readonly readout: HTMLElement;
  /** Spans of each thread by start. */
  rows: SpanRow[][];
  from: number;
  to: number;
  cursor: { thread: number; index: number } | undefined;
}

const shownRows = ({ app, rows }: View): number =>
  app.state.open.has("timeline") ? rows.length : Math.min(FEW, rows.length);
const plotWidth = ({ canvas }: View): number => Math.max(50, canvas.clientWidth - GUTTER);

function group({ data }: App): SpanRow[][] {
  const rows: SpanRow[][] = data.threads.map(() => []);
  for (const span of data.spans) rows[span[THREAD]].push(span);
  for (const row of rows) row.sort((a, b) => a[START] - b[START]);
  return rows;
}

/** A round number of ns, so that marks are at least 90 pixels apart. */
function stepOf(span: number, width: number): number {
  const least = (span * 90) / width;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least) ?? 10 * power;
}

function drawAxis(view: View, paint: CanvasRenderingContext2D, colour: (name: string) => string, height: number): void {
  const { from, to } = view;
  const width = plotWidth(view);
  const step = stepOf(to - from, width);
  paint.textBaseline = "middle";
  paint.textAlign = "center";
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    const x = GUTTER + ((at - from) / (to - from)) * width;
    paint.fillStyle = colour("--line");
    paint.fillRect(Math.round(x), AXIS - 4, 1, height - AXIS + 4);
    paint.fillStyle = colour("--soft");
    if (x < GUTTER + width - 20) paint.fillText(roundTime(at), Math.max(x, GUTTER + 8), AXIS / 2 - 2);
  }
}

function drawRow(
  view: View,
  paint: CanvasRenderingContext2D,
  y: number,
  row: readonly SpanRow[],
  colours: string[],
): void {
  const { from, to, app } = view;
  const width = plotWidth(view);
  const scale = width / (to - from);
  const lock = chosen(app);
  // Others first, then the chosen lock on top; holds are the lower half.
  for (const pass of [0, 1, 2, 3]) {
    const [mine, hold] = [pass > 1, pass % 2];
    paint.fillStyle = colours[pass];
    let drawn = -1;
    for (const span of row) {
      if (span[HOLD] !== hold || (span[LOCK] === lock) !== mine || span[START] > to) continue;
      const left = Math.max(0, (span[START] - from) * scale);
      const right = Math.min(width, Math.max(left + 1, (span[START] + span[LENGTH] - from) * scale));
      if (right <= 0 || right <= drawn) continue;
      const start = Math.max(left, drawn);
      paint.fillRect(GUTTER + start, y + (hold === 1 ? 10 : 3), right - start, hold === 1 ? 7 : 7);
      drawn = right;
    }
  }
}

function draw(view: View): void {
  const { app, canvas, cursor } = view;
  const rows = shownRows(view);
  const height = AXIS + rows * ROW + 2;
  canvas.style.height = `${height}px`;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * ratio);
  canvas.height = Math.round(height * ratio);
  const paint = canvas.getContext("2d");
  if (paint === null || canvas.clientWidth === 0) return;
  paint.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colour = (name: string): string => style.getPropertyValue(name);
  paint.font = `12px ${style.fontFamily}`;
  drawAxis(view, paint, colour, height);
  const colours = ["--wait-dim", "--hold-dim", "--wait", "--hold"].map(colour);
  for (let i = 0; i < rows; i++) {
    const y = AXIS + i * ROW;
    if (cursor?.thread === i) {
      paint.fillStyle = colour("--tint");
      paint.fillRect(0, y, canvas.clientWidth, ROW);
    }
    paint.fillStyle = colour("--line");
    paint.fillRect(0, y + ROW - 1, canvas.clientWidth, 1);
    paint.fillStyle = colour(app.data.threads[i].alive ? "--text" : "--soft");
    paint.textAlign = "left";
    const { name, alive } = app.data.threads[i];
    const label = alive ? name : `${name} †`;
    paint.fillText(label.length > 17 ? `${label.slice(0, 15)}…` : label, 2, y + ROW / 2, GUTTER - 8);
    drawRow(view, paint, y, view.rows[i], colours);
  }
  const at = cursor === undefined ? undefined : view.rows[cursor.thread]?.[cursor.index];
  if (at === undefined || cursor === undefined) return;
  const scale = plotWidth(view) / (view.to - view.from);
  const x = GUTTER + (at[START] - view.from) * scale;
  if (x < GUTTER - 2 || x > canvas.clientWidth) return;
  paint.strokeStyle = colour("--text");
  paint.lineWidth = 2;
  paint.strokeRect(x - 1, AXIS + cursor.thread * ROW + 1, Math.max(4, at[LENGTH] * scale + 2), ROW - 3);
}

function describe({ app, rows }: View, thread: number, index: number): string {
  const span = rows[thread]?.[index];
  const { name } = app.data.threads[thread];
  if (span === undefined) return `${name}: no wait or hold was sampled here.`;
  const what = span[HOLD] === 1 ? "held" : "waited for";
  return `${name} ${what} ${app.data.locks[span[LOCK]].title} for ${time(span[LENGTH])}, from ${time(span[START])} on.`;
}

function zoom(view: View, factor: number, around = (view.from + view.to) / 2): void {
  const duration = Math.max(1, view.app.data.duration);
  const length = Math.min(duration, Math.max(1000, (view.to - view.from) * factor));
  const part = (around - view.from) / (view.to - view.from);
  move(view, around - part * length, length);
}

function move(view: View, from: number, length = view.to - view.from): void {
  const duration = Math.max(1, view.app.data.duration);
  view.from = Math.max(0, Math.min(from, duration - length));
  view.to = view.from + length;
  draw(view);
}

function point(view: View, thread: number, index: number): void {
  view.cursor = { thread, index };
  const span = view.rows[thread]?.[index];
  view.readout.textContent = describe(view, thread, index);
  const length = view.to - view.from;
  if (span !== undefined && (span[START] > view.to || span[START] < view.from)) move(view, span[START] - length / 2);
  else draw(view);
}

/** The span under the pointer; in one pixel of many, the longest. */
function spanAt(view: View, x: number, y: number): { thread: number; index: number } | undefined {
  const thread = Math.floor((y - AXIS) / ROW);
  if (thread < 0 || thread >= shownRows(view) || x < GUTTER) return undefined;
  const scale = (view.to - view.from) / plotWidth(view);
  const at = view.from + (x - GUTTER) * scale;
  const hold = (y - AXIS) % ROW >= 10 ? 1 : 0;
  let best = -1;
  view.rows[thread].forEach((span, index) => {
    const hit = span[START] - 2 * scale <= at && at <= span[START] + span[LENGTH] + 2 * scale;
    if (hit && span[HOLD] === hold && (best < 0 || span[LENGTH] > view.rows[thread][best][LENGTH])) best = index;
  });
  return { thread, index: best };
}

function keys(view: View, event: KeyboardEvent): void {
  const { thread, index } = view.cursor ?? { thread: 0, index: -1 };
  const last = shownRows(view) - 1;
  const length = view.to - view.from;
  const start = view.rows[thread]?.[index]?.[START] ?? view.from;
  const nearest = (row: number): number =>
    Math.max(
      0,
      view.rows[row].findIndex((span) => span[START] >= start),
    );
  const acts: Readonly<Record<string, () => void>> = {
    ArrowRight: () => point(view, thread, Math.min(view.rows[thread].length - 1, index + 1)),
    ArrowLeft: () => point(view, thread, Math.max(0, index - 1)),
    ArrowDown: () => point(view, Math.min(last, thread + 1), nearest(Math.min(last, thread + 1))),
    ArrowUp: () => point(view, Math.max(0, thread - 1), nearest(Math.max(0, thread - 1))),
    PageDown: () => move(view, view.from + length / 2),
    PageUp: () => move(view, view.from - length / 2),
    "+": () => zoom(view, 0.5, start),
    "-": () => zoom(view, 2, start),
    Home: () => move(view, 0, Math.max(1, view.app.data.duration)),
  };
  const act = last < 0 || event.ctrlKey || event.metaKey || event.altKey ? undefined : acts[event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();
}

function listen(view: View): void {
  const { canvas } = view;
  let dragged: { x: number; from: number } | undefined;
  canvas.addEventListener("keydown", (event) => keys(view, event));
  canvas.addEventListener("pointerdown", (event) => {
    dragged = { x: event.offsetX, from: view.from };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => {
    dragged = undefined;
  });
  canvas.addEventListener("pointermove", (event) => {
    const scale = (view.to - view.from) / plotWidth(view);
    if (dragged !== undefined) move(view, dragged.from - (event.offsetX - dragged.x) * scale);
    else {
      const found = spanAt(view, event.offsetX, event.offsetY);
      if (found !== undefined) point(view, found.thread, found.index);
    }
  });
  const wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(
      view,
      event.deltaY > 0 ? 1.25 : 0.8,
      view.from + ((event.offsetX - GUTTER) / plotWidth(view)) * (view.to - view.from),
    );
  };
  canvas.addEventListener("wheel", wheel, { passive: false });
  new ResizeObserver(() => draw(view)).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(view));
}

function controls(view: View): HTMLElement {
  const button = (text: string, label: string, click: () => void): HTMLElement =>
    h("button", { type: "button", "aria-label": label, title: label, click }, text);
  const length = (): number => view.to - view.from;
  return h(
    "div",
    { class: "controls" },
    button("−", "Zoom out", () => zoom(view, 2)),
    button("+", "Zoom in", () => zoom(view, 0.5)),
    button("◀", "Earlier", () => move(view, view.from - length() / 2)),
    button("▶", "Later", () => move(view, view.from + length() / 2)),
    button("Whole", "Show the whole recording", () => move(view, 0, Math.max(1, view.app.data.duration))),
    h(
      "span",
      { class: "legend" },
      h("i", { class: "wait" }),
      "waits ",
      h("i", { class: "hold" }),
      "holds; pale: of other locks than the chosen one; †: a thread that has ended",
    ),
  );
}

export function timeline(app: App): Timeline {
  const label =
    "Timeline of waits and holds, a row for each thread. Arrow keys go from span to span, plus and minus zoom.";
  const canvas = h("canvas", { tabindex: 0, role: "img", "aria-label": label, "aria-describedby": "readout" });
  const readout = h("p", { id: "readout", class: "readout", "aria-live": "polite" });
  const view: View = { app, canvas, readout, rows: [], from: 0, to: 1, cursor: undefined };
  const click = (): void => {
    toggle(app, "timeline");
    update();
  };
  const all = h("button", { class: "more", click });
  const how =
    "Where the upper bar is orange the thread stood still and waited; below it, blue, it held a lock. A thread that holds while the others wait is the one to look at. Only sampled waits and holds are drawn, so a gap need not mean that nothing happened.";
  const element = section("timeline", "When: a row for each thread", how, controls(view), canvas, readout, all);
  let known = 0;
  const update = (): void => {
    const whole = view.from === 0 && view.to >= known;
    view.rows = group(app);
    known = Math.max(1, app.data.duration);
    if (whole || view.to > known) {
      view.from = 0;
      view.to = known;
    }
    if (view.cursor !== undefined && view.cursor.thread >= view.rows.length) view.cursor = undefined;
    if (view.cursor === undefined) {
      readout.textContent = `${count(app.data.spans.length)} sampled spans. Point at one to read it.`;
    }
    all.hidden = view.rows.length <= FEW;
    all.textContent = app.state.open.has("timeline")
      ? `Show only the first ${FEW}`
      : `Show all ${view.rows.length} threads`;
    draw(view);
  };
  listen(view);
  return { element, update };
}
