import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';

const BITS = 32;
const ALL = 0xffff_ffff;

/** Writes the bits of a ring of words, from the word at `first` on, as the lengths of their runs: a vehicle has few of them. */
export function writeBits(to: ByteWriter, words: Uint32Array, first: number): void {
  const runs: number[] = [];
  let [value, length] = [0, 0];
  const add = (next: number, count: number): void => {
    if (next !== value) {
      runs.push(length);
      [value, length] = [next, 0];
    }
    length += count;
  };
  for (let index = 0; index < words.length; index += 1) {
    const word = words[(first + index) % words.length]!;
    if (word === 0 || word === ALL) {
      add(word & 1, BITS);
      continue;
    }
    for (let bit = 0; bit < BITS; bit += 1) add((word >>> bit) & 1, 1);
  }
  // The last run reaches to the end.
  to.count(runs.length);
  for (const run of runs) to.count(run);
}

/** Reads what {@link writeBits} has written into words that are 0. */
export function readBits(from: ByteReader, words: Uint32Array, first: number): void {
  let [value, at] = [0, 0];
  const addUpTo = (end: number): void => {
    for (; at < end; at += 1) {
      if (value === 1) words[(first + Math.floor(at / BITS)) % words.length]! |= 1 << (at % BITS);
    }
  };
  for (let count = from.count(); count > 0; count -= 1) {
    addUpTo(at + from.count());
    value = 1 - value;
  }
  addUpTo(words.length * BITS);
}
