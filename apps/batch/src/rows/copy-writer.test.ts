import { describe, expect, it } from 'vitest';
import { CopyWriter } from './copy-writer.js';

function written(write: (writer: CopyWriter) => void, writer = new CopyWriter(1)): string {
  write(writer);
  return writer.bytes().toString('hex');
}

describe('CopyWriter', () => {
  it('writes a tuple as its field count, and each field with its length', () => {
    expect(
      written((writer) => {
        writer.tuple(3);
        writer.null();
        writer.int16(-2);
        writer.boolean(true);
      }),
    ).toBe(['0003', 'ffffffff', '00000002fffe', '0000000101'].join(''));
  });

  it('writes integers of eight bytes on both sides of zero and of 2^32', () => {
    expect(written((writer) => writer.int64(1))).toBe('000000080000000000000001');
    expect(written((writer) => writer.int64(-1))).toBe('00000008ffffffffffffffff');
    expect(written((writer) => writer.int64(2 ** 32))).toBe('000000080000000100000000');
    expect(written((writer) => writer.int64(Number.MAX_SAFE_INTEGER))).toBe('00000008001fffffffffffff');
    expect(written((writer) => writer.int64Hex('891fb466a63ffff'))).toBe('000000080891fb466a63ffff');
  });

  it('writes times as microseconds since 2000, from the year 1 to the year 9999', () => {
    expect(written((writer) => writer.timestamp(Date.UTC(2000, 0, 1) + 1))).toBe('0000000800000000000003e8');
    const times = [
      Date.UTC(2026, 10, 22, 19, 30, 0, 123),
      Date.UTC(9999, 11, 31, 23, 59, 59, 999),
      Date.UTC(2000, 0, 1) - 1,
      Date.UTC(1970, 0, 1),
      Date.UTC(1901, 0, 1, 0, 0, 0, 7),
      new Date('0001-01-01T00:00:00.001Z').getTime(),
    ];
    for (const time of times) {
      const writer = new CopyWriter();
      writer.timestamp(time);
      expect(writer.bytes().readBigInt64BE(4)).toBe(BigInt(time - Date.UTC(2000, 0, 1)) * 1_000n);
    }
  });

  it('writes doubles, uuids, text and jsonb', () => {
    expect(written((writer) => writer.float64(-1.5))).toBe('00000008bff8000000000000');
    expect(written((writer) => writer.uuid('0189abcd-ef01-7234-8567-89abcdef0123'))).toBe(
      '000000100189abcdef017234856789abcdef0123',
    );
    expect(written((writer) => writer.text('é🚕'))).toBe('00000006c3a9f09f9a95');
    expect(written((writer) => writer.jsonb('{}'))).toBe('00000003017b7d');
  });

  it('writes arrays with their element type, and empty ones without a dimension', () => {
    expect(written((writer) => writer.textArray([]))).toBe('0000000c000000000000000000000019');
    expect(written((writer) => writer.textArray(['a', 'bc']))).toBe(
      [
        '0000001f',
        '00000001',
        '00000000',
        '00000019',
        '00000002',
        '00000001',
        '0000000161',
        '000000026263',
      ].join(''),
    );
  });

  it('discards truncated bytes', () => {
    const writer = new CopyWriter(1);
    writer.int16(1);
    const rowEnd = writer.length;
    writer.text('a'.repeat(1_000));
    writer.truncate(rowEnd);
    expect(written((each) => each.boolean(false), writer)).toBe('0000000200010000000100');
  });
});
