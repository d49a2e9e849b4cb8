import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OffsetIndex, TimeIndex } from './sparse-index.js';

const entries = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 10_000 })), { maxLength: 300 })
  .map((steps) => {
    let offset = 0;
    let position = 0;
    return steps.map(([offsets, bytes]) => ({ offset: (offset += offsets), position: (position += bytes) }));
  });

describe(OffsetIndex, () => {
  it('finds the last entry at or before an offset', () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 0, max: 300_000 }), (all, target) => {
        const index = new OffsetIndex();
        for (const { offset, position } of all) index.append(offset, position);
        const expected = all.findLast(({ offset }) => offset <= target)?.position ?? 0;
        expect(index.lookUp(target)).toBe(expected);
      }),
    );
  });

  it('of a sealed segment has no memory for further entries, and may still be appended to', () => {
    const index = new OffsetIndex();
    for (let entry = 1; entry <= 1_025; entry++) index.append(entry, entry * 4_096);
    const memoryBytes = (): number => index.unpersisted().bytes.buffer.byteLength;
    expect(memoryBytes()).toBe(2_048 * 8);
    index.trim();
    expect(memoryBytes()).toBe(1_025 * 8);
    index.append(1_026, 1_026 * 4_096);
    expect([1_025, 1_026].map((offset) => index.lookUp(offset))).toEqual([1_025 * 4_096, 1_026 * 4_096]);
  });

  it('parses the format of Kafka', () => {
    const index = new OffsetIndex();
    index.append(7, 4100);
    const { bytes, at } = index.unpersisted();
    expect({ bytes: bytes.toString('hex'), at }).toEqual({ bytes: '0000000700001004', at: 0 });
    index.markPersisted(bytes.length);
    index.append(9, 8300);
    expect(index.unpersisted()).toMatchObject({ at: 8 });
    expect(OffsetIndex.parse(Buffer.from('0000000700001004', 'hex'), 5000)?.lookUp(8)).toBe(4100);
  });

  it.each([
    ['half an entry', '00000007'],
    ['decreasing offsets', '00000007000010040000000600001005'],
    ['a position after the end of the segment', '0000000700002004'],
  ])('rejects %s', (_, bytes) => {
    expect(OffsetIndex.parse(Buffer.from(bytes, 'hex'), 5000)).toBeUndefined();
  });
});

describe(TimeIndex, () => {
  it('adds increasing timestamps only', () => {
    const index = new TimeIndex();
    index.append(100n, 1);
    index.append(90n, 2);
    index.append(200n, 3);
    expect(index.count).toBe(2);
    expect(index.last()).toEqual({ timestamp: 200n, relativeOffset: 3 });
  });

  it('starts a scan at or before the first record at or after the timestamp', () => {
    const index = new TimeIndex();
    for (let i = 1; i <= 100; i++) index.append(BigInt(i * 10), i);
    expect(index.lookUp(5n)).toBe(0);
    expect(index.lookUp(10n)).toBe(0);
    expect(index.lookUp(11n)).toBe(1);
    expect(index.lookUp(1000n)).toBe(99);
    expect(index.lookUp(5000n)).toBe(100);
  });

  it('parses timestamps of any sign and size if they increase, and no others', () => {
    const timestamp = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -3n, max: 3n }),
    );
    fc.assert(
      fc.property(fc.array(timestamp, { maxLength: 20 }), (timestamps) => {
        const contents = Buffer.alloc(timestamps.length * 12);
        timestamps.forEach((each, i) => {
          contents.writeBigInt64BE(each, i * 12);
          contents.writeInt32BE(i, i * 12 + 8);
        });
        const increase = timestamps.every((each, i) => i === 0 || each > (timestamps[i - 1] as bigint));
        expect(TimeIndex.parse(contents)?.count).toBe(increase ? timestamps.length : undefined);
        const sorted = new TimeIndex();
        for (const each of [...new Set(timestamps)].sort((a, b) => (a < b ? -1 : 1))) sorted.append(each, 0);
        expect(TimeIndex.parse(Buffer.from(sorted.unpersisted().bytes))?.last()).toEqual(sorted.last());
      }),
    );
  });

  it('rejects decreasing offsets', () => {
    const contents = Buffer.alloc(24);
    contents.writeBigInt64BE(1n, 0);
    contents.writeInt32BE(5, 8);
    contents.writeBigInt64BE(2n, 12);
    contents.writeInt32BE(4, 20);
    expect(TimeIndex.parse(contents)).toBeUndefined();
  });
});
