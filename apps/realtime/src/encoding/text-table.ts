import type { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

/** Texts that several writers refer to by their number. */
export class TextTable {
  private readonly numbers = new Map<string, number>();

  numberOf(text: string): number {
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    this.numbers.set(text, this.numbers.size);
    return this.numbers.size - 1;
  }

  finish(): Buffer {
    const to = new ByteWriter();
    to.count(this.numbers.size);
    for (const text of this.numbers.keys()) to.text(text);
    return to.finish();
  }

  /** The texts by their number. */
  static read(from: ByteReader): string[] {
    return Array.from({ length: from.count() }, () => from.text());
  }
}
