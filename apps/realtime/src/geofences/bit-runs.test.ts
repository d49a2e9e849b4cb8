import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { readBits, writeBits } from './bit-runs.js';

const word = fc.oneof(fc.constantFrom(0, 0xffff_ffff), fc.integer({ min: 0, max: 0xffff_ffff }));

function bytesOf(words: Uint32Array, first: number): Buffer {
  const to = new ByteWriter();
  writeBits(to, words, first);
  return to.finish();
}

describe(writeBits, () => {
  it('writes what readBits reads, from any word of the ring on', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 10 }), fc.nat(9), (values, start) => {
        const words = Uint32Array.from(values);
        const first = start % words.length;
        const from = new ByteReader(bytesOf(words, first));
        const read = new Uint32Array(words.length);
        readBits(from, read, first);
        expect(read).toEqual(words);
        expect(from.isAtEnd).toBe(true);
      }),
    );
  });

  it('takes few bytes for few runs', () => {
    const words = new Uint32Array(270);
    expect(bytesOf(words, 3).length).toBe(1);
    words.fill(0xffff_ffff, 10, 40);
    expect(bytesOf(words, 0).length).toBe(5);
  });
});
