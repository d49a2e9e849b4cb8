import { writeUuid } from './uuid-bytes.js';

const FIRST_SIZE_BYTES = 4_096;

/** A larger difference is written as a double, so that the words of numbers stay below 2^53. */
const MAX_DIFFERENCE = 2 ** 49;

/** The kinds of a number in its two lowest bits. */
export const NumberKind = { decimal: 0, double: 1, null: 2 } as const;

/** Numbers of texts that are kept elsewhere. */
interface TextNumbers {
  numberOf(text: string): number;
}

/** Appends values to a growing buffer. `ByteReader` reads them in the same order. */
export class ByteWriter {
  private bytes = Buffer.allocUnsafe(FIRST_SIZE_BYTES);
  private length = 0;
  /** Texts that were written before, by their number. */
  private readonly texts = new Map<string, number>();

  /** @param table has the repeated texts, which are otherwise written where they are used first */
  constructor(private readonly table: TextNumbers | null = null) {}

  get sizeBytes(): number {
    return this.length;
  }

  /** A whole number from 0 to 2^53 - 1: seven bits in each byte, lowest first. */
  count(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
  }

  /**
   * Any number, exactly. A decimal of few digits takes few bytes, fewer if it is close to `base`.
   *
   * @returns the base of the next number of the series
   */
  number(value: number | null, { base, parts }: { readonly base: number; readonly parts: number }): number {
    if (value === null) {
      this.count(NumberKind.null);
      return base;
    }
    const whole = Math.round(value * parts);
    const difference = whole - base;
    if (Math.abs(difference) <= MAX_DIFFERENCE && !Object.is(whole, -0) && whole / parts === value) {
      this.count((difference < 0 ? -difference * 2 - 1 : difference * 2) * 4 + NumberKind.decimal);
      return whole;
    }
    this.count(NumberKind.double);
    this.reserve(8);
    this.length = this.bytes.writeDoubleLE(value, this.length);
    return base;
  }

  /** A text that is rarely repeated. A UUID takes 17 bytes. */
  text(value: string): void {
    this.reserve(17);
    if (writeUuid(value, this.bytes, this.length + 1)) {
      this.bytes[this.length] = 0;
      this.length += 17;
      return;
    }
    const sizeBytes = Buffer.byteLength(value);
    this.count(sizeBytes + 1);
    this.reserve(sizeBytes);
    this.length += this.bytes.write(value, this.length, 'utf8');
  }

  /** A text that is often repeated: it is written once. */
  repeatedText(value: string): void {
    if (this.table !== null) return this.count(this.table.numberOf(value));
    const known = this.texts.get(value);
    this.count(known ?? this.texts.size);
    if (known !== undefined) return;
    this.texts.set(value, this.texts.size);
    this.text(value);
  }

  /** Bytes of another writer, which can be read on their own. */
  section(bytes: Buffer): void {
    this.count(bytes.length);
    this.copy(bytes);
  }

  /** Values that another writer has written. They must not have repeated texts outside of sections. */
  copy(bytes: Buffer): void {
    this.reserve(bytes.length);
    this.length += bytes.copy(this.bytes, this.length);
  }

  /** Returns what was written. The writer must not be used afterwards. */
  finish(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(sizeBytes: number): void {
    if (this.length + sizeBytes <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + sizeBytes));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
