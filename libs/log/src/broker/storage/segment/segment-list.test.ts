import { describe, expect, it } from 'vitest';
import { readSegments, type ReadableSegment } from './segment-list.js';

const BYTES = Buffer.from('batch');
const DOES_NOT_FIT = Buffer.alloc(0);

function segment(baseOffset: bigint, bytes: Buffer | undefined): ReadableSegment {
  return { baseOffset, read: () => Promise.resolve(bytes) };
}

function read(segments: readonly ReadableSegment[], offset: bigint): Promise<Buffer | undefined> {
  return readSegments(segments, offset, (each) => each.read(offset, 1, false));
}

describe('readSegments', () => {
  it('continues in the next segment if one has no batch at or after the offset', async () => {
    const segments = [segment(0n, undefined), segment(10n, undefined), segment(20n, BYTES)];
    expect(await read(segments, 5n)).toBe(BYTES);
  });

  it('does not skip a batch that does not fit', async () => {
    const segments = [segment(0n, DOES_NOT_FIT), segment(10n, BYTES)];
    expect(await read(segments, 5n)).toBe(DOES_NOT_FIT);
  });

  it('returns undefined after the last segment', async () => {
    expect(await read([segment(0n, BYTES), segment(10n, undefined)], 10n)).toBeUndefined();
    expect(await read([], 0n)).toBeUndefined();
  });

  it('skips no segment if older ones are removed during a read', async () => {
    const segments = [segment(0n, BYTES), segment(10n, undefined), segment(20n, BYTES), segment(30n, BYTES)];
    const readFrom: bigint[] = [];
    await readSegments(segments, 15n, async (each) => {
      readFrom.push(each.baseOffset);
      if (each.baseOffset === 10n) segments.shift();
      return each.read(15n, 1, false);
    });
    expect(readFrom).toEqual([10n, 20n]);
  });

  it('searches again if the segment is merged with its successor during a read', async () => {
    const merged = segment(10n, BYTES);
    const segments = [
      segment(0n, BYTES),
      segment(10n, undefined),
      segment(20n, BYTES),
      segment(30n, DOES_NOT_FIT),
    ];
    const bytes = await readSegments(segments, 15n, async (each) => {
      const found = await each.read(15n, 1, false);
      if (each === segments[1] && each !== merged) segments.splice(1, 2, merged);
      return found;
    });
    expect(bytes).toBe(BYTES);
  });
});
