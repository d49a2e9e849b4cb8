import { NumberKind } from './byte-writer.js';
import { readUuid } from './uuid-bytes.js';

const UUID_BYTES = 16;
const ENDS_EARLY = 'the bytes end early';

/** Reads what `ByteWriter` has written. Throws RangeError if the bytes end early. */
export class ByteReader {
  /** After {@link number}. */
  base = 0;
  private at = 0;

  /** @param texts the repeated texts that are not in the bytes */
  constructor(
    readonly bytes: Buffer,
    private readonly texts: string[] = [],
  ) {}

  count(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError(ENDS_EARLY);
      if (byte < 0x80) return value + byte * factor;
      value += (byte - 0x80) * factor;
    }
  }

  /** A number of a series; {@link base} is the base of the next one. */
  number({ base, parts }: { readonly base: number; readonly parts: number }): number | null {
    const word = this.count();
    this.base = base;
    switch (word % 4) {
      case NumberKind.null:
        return null;
      case NumberKind.double:
        this.at += 8;
        return this.bytes.readDoubleLE(this.at - 8);
      default: {
        const folded = Math.floor(word / 4);
        this.base = base + (folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2);
        return this.base / parts;
      }
    }
  }

  text(): string {
    const size = this.count();
    if (size === 0) return readUuid(this.bytes, this.skip(UUID_BYTES));
    const start = this.skip(size - 1);
    return this.bytes.toString('utf8', start, this.at);
  }

  repeatedText(): string {
    const number = this.count();
    const known = this.texts[number];
    if (known !== undefined) return known;
    const text = this.text();
    this.texts.push(text);
    return text;
  }

  /** The bytes of a section, which refer to those of the reader. */
  section(): Buffer {
    const start = this.skip(this.count());
    return this.bytes.subarray(start, this.at);
  }

  /** Skips a section without creating a view of it, which takes longer than decoding a short section. */
  skipSection(): void {
    this.skip(this.count());
  }

  /** Where the next value is in {@link bytes}. */
  get position(): number {
    return this.at;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  /** Returns where the skipped bytes start. */
  private skip(sizeBytes: number): number {
    const start = this.at;
    if (start + sizeBytes > this.bytes.length) throw new RangeError(ENDS_EARLY);
    this.at = start + sizeBytes;
    return start;
  }
}
