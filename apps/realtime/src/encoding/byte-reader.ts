import { NumberKind } from './byte-writer.js';
import { readUuid } from './uuid-bytes.js';

/** Reads what `ByteWriter` has written. Throws RangeError if the bytes end early. */
export class ByteReader {
  /** After {@link number}. */
  base = 0;
  private at = 0;

  /** @param texts the repeated texts that are not in the bytes */
  constructor(
    private readonly bytes: Buffer,
    private readonly texts: string[] = [],
  ) {}

  count(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('the bytes end early');
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
    if (size > 0) return this.bytes.toString('utf8', ...this.next(size - 1));
    return readUuid(this.bytes, this.next(16)[0]);
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
    return this.bytes.subarray(...this.next(this.count()));
  }

  /** Skips a section. Returns where it is: a view of its own costs more than many sections take to read. */
  skipSection(): { readonly bytes: Buffer; readonly start: number; readonly end: number } {
    const [start, end] = this.next(this.count());
    return { bytes: this.bytes, start, end };
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  /** Where the next bytes start and end. */
  private next(sizeBytes: number): [start: number, end: number] {
    const start = this.at;
    if (start + sizeBytes > this.bytes.length) throw new RangeError('the bytes end early');
    this.at = start + sizeBytes;
    return [start, this.at];
  }
}
