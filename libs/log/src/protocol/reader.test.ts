import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedRequestError, Reader } from './reader.js';
import { Writer } from './writer.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('Reader', () => {
  it('reads varints', () => {
    expect(new Reader(hex('00')).unsignedVarint()).toBe(0);
    expect(new Reader(hex('ac 02')).unsignedVarint()).toBe(300);
    expect(new Reader(hex('ff ff ff ff 0f')).unsignedVarint()).toBe(0xffffffff);
    expect(new Reader(hex('01')).varint()).toBe(-1);
    expect(new Reader(hex('02')).varint()).toBe(1);
    expect(new Reader(hex('ff ff ff ff 0f')).varint()).toBe(-2147483648);
    expect(new Reader(hex('ff ff ff ff ff ff ff ff ff 01')).varlong()).toBe(-(2n ** 63n));
  });

  it('reads strings and compact strings', () => {
    expect(new Reader(hex('0002 6869')).string()).toBe('hi');
    expect(new Reader(hex('ffff')).nullableString()).toBeNull();
    expect(new Reader(hex('03 6869'), true).string()).toBe('hi');
    expect(new Reader(hex('00'), true).nullableString()).toBeNull();
  });

  it('skips unknown tagged fields', () => {
    const reader = new Reader(hex('02 00 02 aabb 07 01 cc 2a'), true);
    reader.skipTaggedFields();
    expect(reader.int8()).toBe(42);
  });

  it.each([
    ['a string longer than the frame', (r: Reader) => r.string(), '7fff 61', false],
    ['a compact string longer than the frame', (r: Reader) => r.string(), 'ff ff ff ff 0f', true],
    ['bytes with a negative length', (r: Reader) => r.bytes(), 'fffffff0 00', false],
    ['an array with more elements than bytes', (r: Reader) => r.arrayLength(), '7fffffff 00', false],
    ['an array with a negative length', (r: Reader) => r.arrayLength(), 'fffffffe', false],
    ['more tagged fields than bytes', (r: Reader) => r.skipTaggedFields(), 'ff ff ff ff 0f', true],
    ['an unterminated varint', (r: Reader) => r.unsignedVarint(), 'ff ff ff ff ff ff', false],
    ['null in a field that is not nullable', (r: Reader) => r.string(), 'ffff', false],
  ])('refuses %s', (_, read, bytes, flexible) => {
    expect(() => read(new Reader(hex(bytes), flexible))).toThrow(MalformedRequestError);
  });

  it('reads what Writer wrote', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.option(fc.string({ maxLength: 200 })),
        fc.integer({ min: -1, max: 3000 }).map((length) => (length < 0 ? null : Buffer.alloc(length, 7))),
        (flexible, int, long, text, bytes) => {
          const writer = new Writer(flexible);
          writer.varint(int);
          writer.varlong(long);
          writer.int64(long);
          writer.nullableString(text);
          writer.nullableBytes(bytes);
          writer.int32(int);
          const size = writer.sizeBytes;
          const written = Buffer.concat(writer.finish());
          expect(written.length).toBe(size);
          const reader = new Reader(written, flexible);
          expect(reader.varint()).toBe(int);
          expect(reader.varlong()).toBe(long);
          expect(reader.int64()).toBe(long);
          expect(reader.nullableString()).toBe(text);
          const read = reader.nullableBytes();
          expect(bytes === null ? read === null : read?.equals(bytes)).toBe(true);
          expect(reader.int32()).toBe(int);
          expect(reader.remaining).toBe(0);
        },
      ),
    );
  });

  it('reads each prefix of a frame or reports that it is malformed', () => {
    const writer = new Writer(true);
    writer.string('a topic');
    writer.nullableBytes(Buffer.alloc(100));
    const whole = Buffer.concat(writer.finish());
    for (let length = 0; length < whole.length; length++) {
      const reader = new Reader(whole.subarray(0, length), true);
      expect(() => {
        reader.string();
        reader.bytes();
      }).toThrow(MalformedRequestError);
    }
  });
});
