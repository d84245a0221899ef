// How far a run is: a bar with rate and time left on a terminal, a plain line now and then elsewhere. The libraries
// there are were not taken: cli-progress has had no release since 2023, the live ones (ora, listr2, @clack/prompts)
// show spinners and prompts and know no rate.
//
// Invariant: on a terminal one line is rewritten in place and gone at the end; elsewhere lines only ever follow each
// other, at most one in ten percent.

const WIDTH = 28;
const LINE_EVERY = 0.1;

export interface ProgressState {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  /** Milliseconds since the start of this phase. */
  readonly elapsed: number;
}

/** 75 → "1:15", 3700 → "1:01:40". */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = `${String(whole % 60).padStart(2, "0")}`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

function rateOf({ done, elapsed }: ProgressState): number {
  return elapsed > 0 ? (done * 1000) / elapsed : 0;
}

function tail(state: ProgressState): string {
  const rate = rateOf(state);
  const left = rate > 0 ? `, ${formatClock((state.total - state.done) / rate)} left` : "";
  const speed = `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`;
  return `${state.done}/${state.total}  ${speed}${state.done < state.total ? left : ""}`;
}

/** "Reading pages  ████████░░░░  42%  840/2000  410/s, 0:03 left", cut to the terminal's width. */
export function renderBar(state: ProgressState, columns: number): string {
  const part = state.total === 0 ? 1 : Math.min(1, state.done / state.total);
  const full = Math.round(part * WIDTH);
  const bar = "█".repeat(full) + "░".repeat(WIDTH - full);
  const line = `${state.label}  ${bar}  ${String(Math.floor(part * 100)).padStart(3)}%  ${tail(state)}`;
  return line.length < columns ? line : line.slice(0, Math.max(0, columns - 1));
}

/** "Reading pages: 840/2000  410/s, 0:03 left". */
export function renderLine(state: ProgressState): string {
  return `${state.label}: ${tail(state)}`;
}

interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows one phase after the other on a stream. */
export class Progress {
  readonly #output: Output;
  readonly #now: () => number;
  #state: ProgressState = { label: "", done: 0, total: 0, elapsed: 0 };
  #started = 0;
  #nextLine = 0;

  constructor(output: Output, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#now = now;
  }

  /** Begins a phase of `total` steps. */
  start(label: string, total: number): void {
    this.#started = this.#now();
    this.#nextLine = LINE_EVERY;
    this.#state = { label, done: 0, total, elapsed: 0 };
    this.#draw();
  }

  /** Shows that `done` steps are done. */
  update(done: number): void {
    this.#state = { ...this.#state, done, elapsed: this.#now() - this.#started };
    this.#draw();
  }

  /** Ends a phase: the bar goes, a line stays. */
  finish(): void {
    const { label, total } = this.#state;
    this.#state = { label, total, done: total, elapsed: this.#now() - this.#started };
    this.clear();
    this.#output.write(`${renderLine(this.#state)}\n`);
  }

  /** Takes the bar away, for other output. */
  clear(): void {
    if (this.#output.isTTY === true) this.#output.write("\r\u001b[K");
  }

  #draw(): void {
    const { done, total } = this.#state;
    if (this.#output.isTTY === true) {
      this.#output.write(`\r${renderBar(this.#state, this.#output.columns ?? 80)}\u001b[K`);
    } else if (done < total && done / total >= this.#nextLine) {
      this.#nextLine = Math.floor(done / total / LINE_EVERY + 1) * LINE_EVERY;
      this.#output.write(`${renderLine(this.#state)}\n`);
    }
  }
}
