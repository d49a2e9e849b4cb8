import { elementOf, type Column, type ValueRange } from './column.js';
import { grown, INITIAL_ROWS } from './growth.js';

type TextType = 'STRING' | 'JSON';

/** Marks a row without a value. */
const NO_TEXT = 0xffff_ffff;
const LENGTH_BYTES = 4;
/** UTF-8 has at most three bytes for each code unit of a string. */
const BYTES_PER_UNIT = 3;
const INITIAL_BYTES = 65_536;

/** Texts are stored once only if they repeat in the first rows. */
const SAMPLE_TEXTS = 1_000;
const MAX_DISTINCT_SHARE = 0.9;

/** The rows of a {@link TextColumn}. */
export interface TextData {
  readonly kind: 'texts';
  readonly name: string;
  readonly type: TextType;
  /** The text of each row, or {@link NO_TEXT}. */
  readonly texts: Uint32Array<ArrayBuffer>;
  /** All texts, as PLAIN has them: a length, and the bytes. */
  readonly encoded: Uint8Array<ArrayBuffer>;
  /** End of each text in {@link encoded}. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** Size of each text in the decision about a dictionary. */
  readonly sizes: Uint32Array<ArrayBuffer>;
  /** Whether all texts differ. */
  readonly isDistinct: boolean;
}

/** Texts in UTF-8. A text that several rows have is stored once, unless texts hardly repeat. */
export class TextColumn implements Column {
  readonly element;
  readonly fixedSizeBytes = undefined;
  private readonly type: TextType;
  private texts: TextData['texts'];
  private encoded: Buffer<ArrayBuffer>;
  private ends: TextData['ends'];
  private sizes: TextData['sizes'];
  private isDistinct: boolean;
  private rows = 0;
  private count = 0;
  /** Indexes of the texts, as long as they are distinct. */
  private readonly known = new Map<string, number>();

  constructor({ name, type, texts, encoded, ends, sizes, isDistinct }: TextData) {
    this.element = elementOf(name, type);
    this.type = type;
    this.texts = texts;
    this.encoded = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length);
    this.ends = ends;
    this.sizes = sizes;
    this.isDistinct = isDistinct;
  }

  static empty(name: string, type: TextType): TextColumn {
    return new TextColumn({
      kind: 'texts',
      name,
      type,
      texts: new Uint32Array(INITIAL_ROWS),
      encoded: new Uint8Array(INITIAL_BYTES),
      ends: new Uint32Array(INITIAL_ROWS),
      sizes: new Uint32Array(INITIAL_ROWS),
      isDistinct: true,
    });
  }

  get data(): TextData {
    const { type, texts, encoded, ends, sizes, isDistinct } = this;
    return { kind: 'texts', name: this.element.name, type, texts, encoded, ends, sizes, isDistinct };
  }

  /** Adds a row. */
  push(text: string | null): void {
    if (this.rows === this.texts.length) this.texts = grown(this.texts);
    this.texts[this.rows++] = text === null ? NO_TEXT : (this.indexOf(text) ?? this.store(text));
  }

  has(row: number): boolean {
    return this.texts[row] !== NO_TEXT;
  }

  keyOf(row: number): number | string {
    const text = this.texts[row]!;
    return this.isDistinct ? text : this.encoded.toString('latin1', this.startOf(text), this.ends[text]);
  }

  sizeOf(row: number): number {
    const text = this.texts[row]!;
    return this.ends[text]! - this.startOf(text);
  }

  dictionarySizeOf(row: number): number {
    return this.sizes[this.texts[row]!]!;
  }

  /** Texts that follow each other in {@link encoded} are copied at once. */
  plain(rows: Uint32Array): Uint8Array {
    const runs: Uint8Array[] = [];
    for (let index = 0; index < rows.length;) {
      const first = this.texts[rows[index]!]!;
      let last = first;
      for (index += 1; index < rows.length && this.texts[rows[index]!] === last + 1; index += 1) last += 1;
      runs.push(this.encoded.subarray(this.startOf(first) - LENGTH_BYTES, this.ends[last]));
    }
    return runs.length === 1 ? runs[0]! : Buffer.concat(runs);
  }

  rangeOf(rows: Uint32Array): ValueRange | undefined {
    if (rows.length === 0) return undefined;
    let min = this.texts[rows[0]!]!;
    let max = min;
    for (const row of rows) {
      const text = this.texts[row]!;
      if (text === min || text === max) continue;
      if (this.compare(text, min) < 0) min = text;
      else if (this.compare(text, max) > 0) max = text;
    }
    return { min: this.bytesOf(min), max: this.bytesOf(max) };
  }

  private indexOf(text: string): number | undefined {
    return this.isDistinct ? this.known.get(text) : undefined;
  }

  private store(text: string): number {
    const index = this.count++;
    const previousEnd = index === 0 ? 0 : this.ends[index - 1]!;
    const largest = previousEnd + LENGTH_BYTES + text.length * BYTES_PER_UNIT;
    while (largest > this.encoded.length)
      this.encoded = Buffer.from(grown(new Uint8Array(this.encoded.buffer)).buffer);
    const length = this.encoded.write(text, previousEnd + LENGTH_BYTES);
    this.encoded.writeUInt32LE(length, previousEnd);
    if (index === this.ends.length) {
      this.ends = grown(this.ends);
      this.sizes = grown(this.sizes);
    }
    this.ends[index] = previousEnd + LENGTH_BYTES + length;
    this.sizes[index] = this.type === 'STRING' ? text.length : length;
    if (this.rows === SAMPLE_TEXTS && this.count > MAX_DISTINCT_SHARE * SAMPLE_TEXTS) {
      this.isDistinct = false;
      this.known.clear();
    }
    if (this.isDistinct) this.known.set(text, index);
    return index;
  }

  private startOf(text: number): number {
    return (text === 0 ? 0 : this.ends[text - 1]!) + LENGTH_BYTES;
  }

  private bytesOf(text: number): Uint8Array {
    return this.encoded.subarray(this.startOf(text), this.ends[text]);
  }

  private compare(left: number, right: number): number {
    const { encoded } = this;
    const [leftStart, rightStart] = [this.startOf(left), this.startOf(right)];
    const [leftLength, rightLength] = [this.ends[left]! - leftStart, this.ends[right]! - rightStart];
    for (let index = 0; index < leftLength && index < rightLength; index += 1) {
      const difference = encoded[leftStart + index]! - encoded[rightStart + index]!;
      if (difference !== 0) return difference;
    }
    return leftLength - rightLength;
  }
}
