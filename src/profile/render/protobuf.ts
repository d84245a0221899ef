// As much of the Protocol Buffers encoding as a pprof file needs: fields with whole numbers that are not negative, lists
// of them, texts and messages. https://protobuf.dev/programming-guides/encoding
//
// Invariant: a number of 0 is not written as a field, since that is what a reader takes an absent one for.

const VARINT = 0;
const BYTES = 2;
const utf8 = new TextEncoder();

/** A message while it is written. */
export class Message {
  readonly #bytes: number[] = [];

  #varint(value: number): void {
    let rest = value;
    // Beyond 32 bits, where shifts end, numbers are whole up to 2^53.
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes.push((rest % 128) | 128);
    this.#bytes.push(rest);
  }

  #append(field: number, bytes: ArrayLike<number>): this {
    this.#varint((field << 3) | BYTES);
    this.#varint(bytes.length);
    // Not by spreading: a file may have more bytes than a call takes arguments.
    for (let i = 0; i < bytes.length; i++) this.#bytes.push(bytes[i]);
    return this;
  }

  /** A whole number, 0 to 2^53. */
  number(field: number, value: number): this {
    if (value === 0) return this;
    this.#varint((field << 3) | VARINT);
    this.#varint(value);
    return this;
  }

  /** A whole number of up to 64 bits. */
  big(field: number, value: bigint): this {
    if (value === 0n) return this;
    this.#varint((field << 3) | VARINT);
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) this.#bytes.push(Number(rest & 127n) | 128);
    this.#bytes.push(Number(rest));
    return this;
  }

  /** Whole numbers, packed; zeros too. */
  numbers(field: number, values: readonly number[]): this {
    const packed = new Message();
    for (const value of values) packed.#varint(value);
    return this.#append(field, packed.#bytes);
  }

  text(field: number, value: string): this {
    return this.#append(field, utf8.encode(value));
  }

  message(field: number, value: Message): this {
    return this.#append(field, value.#bytes);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
