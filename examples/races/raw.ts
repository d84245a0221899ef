// The unsafe rivals: what one writes over a SharedArrayBuffer when it is taken for ordinary memory. Plain reads and
// writes, right with one thread. And a lock of three lines that knows no owner.

/** Milliseconds after which a wait that would never end is reported. Such a thread keeps what it holds. */
const HANGS_AFTER = 60;

const pause = new Int32Array(new SharedArrayBuffer(4));
let calls = 0;

/**
 * Gives the processor away for a moment, once in `every` calls. The raw rivals call it inside their windows, where a
 * scheduler may do the same at any time: so a machine whose second core is busy shows the races too.
 */
export function breathe(every: number): void {
  if (++calls % every === 0) Atomics.wait(pause, 0, 0, 0.05);
}

/** A table of numbers by numbers above 0: linear probing, grows by rehashing into the other half of its memory. */
export class RawNumbers {
  static readonly slots = 4096;
  readonly #words: Int32Array<SharedArrayBuffer>;

  /** 0 rows | 1 slots in use | 2 where they begin | 16… two halves of key, value pairs */
  constructor(slots = 64, words?: Int32Array<SharedArrayBuffer>) {
    this.#words = words ?? new Int32Array(new SharedArrayBuffer((16 + RawNumbers.slots * 4) * 4));
    if (words === undefined) this.#words.set([0, slots, 16]);
  }

  static from(words: Int32Array<SharedArrayBuffer>): RawNumbers {
    return new RawNumbers(0, words);
  }

  share(): Int32Array<SharedArrayBuffer> {
    return this.#words;
  }

  /** Where the key is, or the empty slot where it belongs. */
  #find(key: number): number {
    const words = this.#words;
    const base = words[2];
    const slots = words[1];
    for (let i = 0; i < slots; i++) {
      const at = base + ((key + i) % slots) * 2;
      if (words[at] === key || words[at] === 0) return at;
    }
    return -1;
  }

  read(key: number): number | undefined {
    const at = this.#find(key);
    return at >= 0 && this.#words[at] === key ? this.#words[at + 1] : undefined;
  }

  write(key: number, value: number): void {
    const words = this.#words;
    let at = this.#find(key);
    if (at < 0) at = 16;
    breathe(509);
    if (words[at] === 0) {
      words[at] = key;
      words[0]++;
    }
    words[at + 1] = value;
    if (words[0] * 2 > words[1] && words[1] < RawNumbers.slots) this.#grow();
  }

  add(key: number, delta: number): void {
    this.write(key, (this.read(key) ?? 0) + delta);
  }

  /** Moves the entries behind into the gap, so that probing finds them. */
  remove(key: number): void {
    const words = this.#words;
    const [, slots, base] = words;
    let gap = (this.#find(key) - base) / 2;
    if (gap < 0 || words[base + gap * 2] !== key) return;
    words[0]--;
    words[base + gap * 2] = 0;
    breathe(127);
    for (let i = 1; i < slots; i++) {
      const next = base + ((gap + i) % slots) * 2;
      const moved = words[next];
      if (moved === 0) break;
      const fromHome = (((gap + i - moved) % slots) + slots) % slots;
      if (fromHome < i) continue;
      words[base + gap * 2] = moved;
      words[base + gap * 2 + 1] = words[next + 1];
      words[next] = 0;
      gap = (gap + i) % slots;
      i = 0;
    }
  }

  #grow(): void {
    const words = this.#words;
    const [, slots, base] = words;
    const other = base === 16 ? 16 + RawNumbers.slots * 2 : 16;
    words.fill(0, other, other + slots * 4);
    words[2] = other;
    words[1] = slots * 2;
    breathe(1);
    for (let i = 0; i < slots; i++) {
      const key = words[base + i * 2];
      if (key === 0) continue;
      const at = this.#find(key);
      words[at] = key;
      words[at + 1] = words[base + i * 2 + 1];
    }
  }
}

/** One name of 32 letters, byte by byte. */
export class RawName {
  readonly #bytes: Uint8Array<SharedArrayBuffer>;

  constructor(bytes = new Uint8Array(new SharedArrayBuffer(32))) {
    this.#bytes = bytes;
  }

  static from(bytes: Uint8Array<SharedArrayBuffer>): RawName {
    return new RawName(bytes);
  }

  share(): Uint8Array<SharedArrayBuffer> {
    return this.#bytes;
  }

  set(_key: string, name: string): void {
    for (let i = 0; i < 32; i++) {
      if (i === 16) breathe(61);
      this.#bytes[i] = name.charCodeAt(i);
    }
  }

  get(_key: string): string {
    let name = "";
    for (let i = 0; i < 32; i++) name += String.fromCharCode(this.#bytes[i]);
    return name;
  }
}

/** A ring of numbers with a plain tail: 0 head | 1 tail | 2… values. */
export class RawQueue {
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(words = new Int32Array(new SharedArrayBuffer(4 * 16_384))) {
    this.#words = words;
  }

  static from(words: Int32Array<SharedArrayBuffer>): RawQueue {
    return new RawQueue(words);
  }

  share(): Int32Array<SharedArrayBuffer> {
    return this.#words;
  }

  push(value: string): void {
    const words = this.#words;
    const tail = words[1];
    words[2 + tail] = Number(value);
    breathe(127);
    words[1] = tail + 1;
  }

  drain(): string[] {
    return Array.from(this.#words.subarray(2, 2 + this.#words[1]), String);
  }
}

/** A lock as one writes it first: 0 free, 1 held. It knows no owner, so nobody notices a cycle, a relock or a death. */
export class RawLock {
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(words = new Int32Array(new SharedArrayBuffer(4))) {
    this.#words = words;
  }

  static from(words: Int32Array<SharedArrayBuffer>): RawLock {
    return new RawLock(words);
  }

  share(): Int32Array<SharedArrayBuffer> {
    return this.#words;
  }

  /** Blocks until it has the lock; false where it would block for ever, as far as a watchdog can tell. */
  lock(): boolean {
    const end = performance.now() + HANGS_AFTER;
    while (Atomics.compareExchange(this.#words, 0, 0, 1) !== 0) {
      if (performance.now() > end) return false;
      Atomics.wait(this.#words, 0, 1, HANGS_AFTER);
    }
    return true;
  }

  unlock(): void {
    Atomics.store(this.#words, 0, 0);
    Atomics.notify(this.#words, 0, 1);
  }
}
