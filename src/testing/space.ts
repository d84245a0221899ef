// The model's memory: every SharedArrayBuffer that the caller names, laid end to end in one address space.
//
//   address  0 .. len(buffer 0) | padding to 8 | buffer 1 ...        `initial` holds the bytes at the start
//
// A state of the search does not copy the memory. It keeps one Int32 for each word that was ever written ("dense"
// words), as the exclusive-or with the initial contents, so that a word never written is 0 in every state.
// Invariant: word w of state `vec` is initial[w] ^ vec[base + denseOf[w]], or initial[w] if w is not dense.

import { ModelError } from "./errors.ts";
import { ELEMS, type Elem, I32, type Scalar } from "./ops.ts";

/** Thrown when a state vector has no room for another written word: the search starts again with a wider one. */
export class OutOfWords extends Error {}

export interface ViewInfo {
  readonly elem: Elem;
  readonly addr: number;
  readonly length: number;
}

type AnyView = Int32Array<ArrayBufferLike>;
type ViewConstructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => AnyView;

interface Segment {
  readonly source: SharedArrayBuffer;
  /** What bodies can reach as `view.buffer`: never holds data, so that access past the proxies is noticed. */
  readonly decoy: SharedArrayBuffer;
  readonly base: number;
}

const RealI32 = Int32Array;
const round8 = (n: number): number => (n + 7) & ~7;

export class Space {
  readonly segments: Segment[] = [];
  readonly initial: Int32Array;
  /** Real, private memory in which a state is shown to invariants and final checks. */
  readonly shown: ArrayBuffer;
  readonly shownWords: Int32Array;
  readonly denseOf: Int32Array;
  readonly dense: number[] = [];
  capacity = 16;
  private readonly pair = new DataView(new ArrayBuffer(8));

  constructor(memory: unknown) {
    let size = 0;
    for (const source of buffersIn(memory)) {
      this.segments.push({ source, decoy: new SharedArrayBuffer(source.byteLength), base: size });
      size += round8(source.byteLength);
    }
    const bytes = new ArrayBuffer(size);
    for (const segment of this.segments) new Uint8Array(bytes, segment.base).set(new Uint8Array(segment.source));
    this.initial = new RealI32(bytes);
    this.shown = bytes.slice(0);
    this.shownWords = new RealI32(this.shown);
    this.denseOf = new RealI32(size >> 2).fill(-1);
  }

  widen(): void {
    this.capacity *= 2;
  }

  readWord(vec: Int32Array, base: number, word: number): number {
    const d = this.denseOf[word];
    return d < 0 ? this.initial[word] : this.initial[word] ^ vec[base + d];
  }

  writeWord(vec: Int32Array, base: number, word: number, value: number): void {
    let d = this.denseOf[word];
    if (d < 0) {
      if (value === this.initial[word]) return;
      if (this.dense.length === this.capacity) throw new OutOfWords();
      d = this.dense.length;
      this.dense.push(word);
      this.denseOf[word] = d;
    }
    vec[base + d] = value ^ this.initial[word];
  }

  read(vec: Int32Array, base: number, addr: number, elem: Elem): Scalar {
    if (elem === I32) return this.readWord(vec, base, addr >> 2);
    this.toPair(vec, base, addr, elem);
    return elem.get(this.pair, addr & 3);
  }

  write(vec: Int32Array, base: number, addr: number, elem: Elem, value: Scalar): void {
    if (elem === I32) {
      this.writeWord(vec, base, addr >> 2, value as number);
      return;
    }
    this.toPair(vec, base, addr, elem);
    elem.set(this.pair, addr & 3, value);
    this.writeWord(vec, base, addr >> 2, this.pair.getInt32(0, true));
    if (elem.size === 8) this.writeWord(vec, base, (addr >> 2) + 1, this.pair.getInt32(4, true));
  }

  private toPair(vec: Int32Array, base: number, addr: number, elem: Elem): void {
    this.pair.setInt32(0, this.readWord(vec, base, addr >> 2), true);
    if (elem.size === 8) this.pair.setInt32(4, this.readWord(vec, base, (addr >> 2) + 1), true);
  }

  /** Lays a state out in `shown`. */
  show(vec: Int32Array, base: number): void {
    for (let d = 0; d < this.dense.length; d++) {
      const word = this.dense[d];
      this.shownWords[word] = this.initial[word] ^ vec[base + d];
    }
  }

  /** A copy of the caller's memory shape with every view over the private memory that `show` fills. */
  shownShape<M>(memory: M): M {
    return mapShape(memory, (part) => {
      if (part instanceof SharedArrayBuffer) return this.shown.slice(0, 0);
      const view = part as AnyView;
      const base = this.baseOf(view.buffer as SharedArrayBuffer);
      return new (view.constructor as ViewConstructor)(this.shown, base + view.byteOffset, view.length);
    });
  }

  baseOf(buffer: ArrayBufferLike): number {
    for (const s of this.segments) if (s.source === buffer || s.decoy === buffer) return s.base;
    throw new ModelError("ERR_MODEL_FOREIGN_STATE", "a view of memory that was not given to explore()");
  }

  /** True while nobody wrote past the proxies. */
  decoysUntouched(): boolean {
    for (const { decoy } of this.segments) {
      for (const word of new RealI32(decoy, 0, decoy.byteLength >> 2)) if (word !== 0) return false;
    }
    return true;
  }
}

export const isView = (value: unknown): value is AnyView => ArrayBuffer.isView(value) && !(value instanceof DataView);

export function elemOf(view: object): Elem {
  const elem = ELEMS[Object.prototype.toString.call(view).slice(8, -1)];
  if (elem === undefined) throw new TypeError(`${Object.prototype.toString.call(view)} is no typed array`);
  return elem;
}

/** Copies arrays and plain objects, replacing each view and SharedArrayBuffer in them. */
export function mapShape<M>(memory: M, replace: (part: object) => unknown): M {
  const walk = (part: unknown): unknown => {
    if (isView(part) || part instanceof SharedArrayBuffer) return replace(part as object);
    if (Array.isArray(part)) return part.map(walk);
    if (part !== null && typeof part === "object" && isPlainObject(part)) {
      return Object.fromEntries(Object.entries(part).map(([k, v]) => [k, walk(v)]));
    }
    return part;
  };
  return walk(memory) as M;
}

function isPlainObject(value: object): boolean {
  const proto = Object.getPrototypeOf(value) as unknown;
  return proto === Object.prototype || proto === null;
}

function buffersIn(memory: unknown): SharedArrayBuffer[] {
  const found = new Set<SharedArrayBuffer>();
  mapShape(memory, (part) => {
    const buffer = isView(part) ? part.buffer : part;
    if (!(buffer instanceof SharedArrayBuffer)) {
      throw new TypeError("explore: memory must be views of SharedArrayBuffers; a view of an ArrayBuffer was given");
    }
    found.add(buffer);
    return part;
  });
  if (found.size === 0) throw new TypeError("explore: memory names no view of a SharedArrayBuffer");
  return [...found];
}
