import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from './line-splitter.js';

async function split(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const lines: string[] = [];
  await pipeline(Readable.from(chunks, { objectMode: false }), new LineSplitter((line) => lines.push(line)));
  return lines;
}

describe('LineSplitter', () => {
  it('joins lines that arrive in pieces', async () => {
    expect(await split(['one\ntw', 'o\r\n\nth', 'ree'])).toEqual(['one', 'two', '', 'three']);
  });

  it('joins a character that arrives in two pieces', async () => {
    const bytes = Buffer.from('Zürich\n');
    expect(await split([bytes.subarray(0, 2), bytes.subarray(2)])).toEqual(['Zürich']);
  });

  it('limits the length of a line', async () => {
    const lines = await split(Array.from({ length: 100 }, () => 'x'.repeat(1_000)));
    expect(lines.map((line) => line.length)).toEqual([4_000]);
  });
});
