import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { UuidSet, writeUuidWords } from './uuid-set.js';

const wordsOf = (text: string): Uint32Array => {
  const words = new Uint32Array(4);
  writeUuidWords(text, words);
  return words;
};

describe(UuidSet, () => {
  it('numbers distinct UUIDs in the order in which they were added, beyond its capacity', () => {
    const set = new UuidSet(2);
    const texts = Array.from({ length: 1_000 }, () => randomUUID() as string);
    texts.push('ffffffff-ffff-ffff-ffff-ffffffffffff', '00000000-0000-0000-0000-000000000000');
    for (const [number, text] of texts.entries()) expect(set.add(wordsOf(text))).toBe(number);
    for (const [number, text] of texts.entries()) {
      expect(set.add(wordsOf(text))).toBe(number);
      expect(set.find(wordsOf(text), 0, 0)).toBe(number);
      expect(set.textAt(number)).toBe(text);
    }
    expect(set.size).toBe(texts.length);
    expect(set.find(wordsOf(randomUUID()), 0, 0)).toBeUndefined();
  });

  it('distinguishes the same UUID with different tags', () => {
    const set = new UuidSet();
    const words = wordsOf(randomUUID());
    expect([set.add(words, 0, 1), set.add(words, 0, 2), set.add(words, 0, 1)]).toEqual([0, 1, 0]);
    expect(set.find(words, 0, 3)).toBeUndefined();
  });
});
