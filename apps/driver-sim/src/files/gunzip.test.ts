import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gunzip } from './gunzip.js';

const text = 'cab,ts,lat,lon\n'.repeat(5_000);
const zeros = (count: number): Buffer => Buffer.alloc(count);

async function unpack(bytes: Buffer, chunkBytes = bytes.length) {
  let trailing = 0;
  const chunks = async function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
  const pieces: Uint8Array[] = [];
  for await (const piece of gunzip(chunks(), () => (trailing += 1))) pieces.push(piece);
  return { text: Buffer.concat(pieces).toString(), trailing };
}

describe('gunzip', () => {
  it.each([
    ['one member', [gzipSync(text)], text],
    ['an empty member', [gzipSync('')], ''],
    ['several members', [gzipSync('a'), gzipSync(text), gzipSync('b')], `a${text}b`],
    [
      'zero bytes between members',
      [gzipSync('a'), zeros(1), gzipSync('b'), zeros(100_000), gzipSync('c')],
      'abc',
    ],
    ['zero bytes at the end', [gzipSync(text), zeros(512)], text],
  ])('unpacks %s, however it is cut into chunks', async (_what, parts, expected) => {
    const bytes = Buffer.concat(parts);
    for (const chunkBytes of [bytes.length, 65_536, 61, bytes.length < 300 ? 1 : 7]) {
      expect(await unpack(bytes, chunkBytes)).toEqual({ text: expected, trailing: 0 });
    }
  });

  it('unpacks members whose ends fall on any chunk boundary', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string(), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 80 }),
        async (texts, chunkBytes) => {
          const bytes = Buffer.concat(texts.flatMap((each, index) => [gzipSync(each), zeros(index % 3)]));
          expect(await unpack(bytes, chunkBytes)).toEqual({ text: texts.join(''), trailing: 0 });
        },
      ),
    );
  });

  it('skips the optional header fields of a member', async () => {
    const plain = gzipSync('a');
    const header = Buffer.from(plain.subarray(0, 10));
    header[3] = 4 | 8 | 16 | 2;
    const fields = Buffer.concat([
      Buffer.from([3, 0, 1, 2, 3]),
      Buffer.from('name.csv\0comment\0'),
      zeros(2),
    ]);
    expect(await unpack(Buffer.concat([header, fields, plain.subarray(10)]), 5)).toEqual({
      text: 'a',
      trailing: 0,
    });
  });

  it.each([
    ['line ends', Buffer.from('\n\n')],
    ['text', Buffer.from('garbage')],
    ['zero bytes and then text', Buffer.from('\0\0garbage')],
    ['half of the magic number', Buffer.from([0x1f])],
  ])('reports %s after the last member', async (_what, garbage) => {
    for (const chunkBytes of [1, 40, 1_000]) {
      const bytes = Buffer.concat([gzipSync('abc'), garbage]);
      expect(await unpack(bytes, chunkBytes)).toEqual({ text: 'abc', trailing: 1 });
    }
  });

  it('rejects truncated data, wherever it ends', async () => {
    const bytes = Buffer.concat([gzipSync('first'), zeros(2), gzipSync('second')]);
    const starts = [0, 2 + gzipSync('first').length];
    const complete = new Set([0, gzipSync('first').length, ...starts, starts[1]! - 1, bytes.length]);
    for (let length = 1; length < bytes.length; length += 1) {
      // One byte of a magic number is trailing garbage.
      if (complete.has(length) || length === starts[1]! + 1) continue;
      await expect(unpack(bytes.subarray(0, length), 10), String(length)).rejects.toThrow(
        /truncated|unexpected end/,
      );
    }
  });

  it.each([
    ['a checksum', -8],
    ['a length', -1],
    ['the data', 12],
    ['the compression method', 2],
    ['the reserved flags', 3],
  ])('rejects a member with a changed byte in %s', async (_what, place) => {
    const bytes = Buffer.from(gzipSync(text));
    const index = place < 0 ? bytes.length + place : place;
    bytes[index] = bytes[index]! ^ 0xff;
    await expect(unpack(bytes, 100)).rejects.toThrow(/damaged|invalid|incorrect/);
  });
});
