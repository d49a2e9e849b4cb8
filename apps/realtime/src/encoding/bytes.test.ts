import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

const text = fc.oneof(
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '0195a0c4-7a10-7000-8000-00000000000g', '0195a0c4x7a10-7000-8000-000000000001'),
);
const number = fc.oneof(
  fc.double({ noNaN: true }),
  fc.double({ noNaN: true }).map((value) => Math.round(value * 1e7) / 1e7),
  fc.integer(),
  fc.constantFrom(null, -0, 2 ** 53, -(2 ** 53), Number.POSITIVE_INFINITY),
);

describe(ByteWriter, () => {
  it('writes texts, numbers, counts and sections that ByteReader reads', () => {
    fc.assert(
      fc.property(
        fc.array(text),
        fc.array(number),
        fc.array(fc.maxSafeNat()),
        fc.constantFrom(1, 1_000, 10_000_000),
        (texts, numbers, counts, parts) => {
          const to = new ByteWriter();
          for (const each of texts) to.text(each);
          for (const each of [...texts, ...texts]) to.repeatedText(each);
          let base = 0;
          for (const value of numbers) base = to.number(value, { base, parts });
          const section = new ByteWriter();
          for (const each of counts) section.count(each);
          to.section(section.finish());

          const from = new ByteReader(to.finish());
          expect(texts.map(() => from.text())).toEqual(texts);
          expect([...texts, ...texts].map(() => from.repeatedText())).toEqual([...texts, ...texts]);
          from.base = 0;
          expect(numbers.map(() => from.number({ base: from.base, parts }))).toEqual(numbers);
          const sectionReader = new ByteReader(from.section());
          expect(counts.map(() => sectionReader.count())).toEqual(counts);
          expect([from.isAtEnd, sectionReader.isAtEnd]).toEqual([true, true]);
        },
      ),
    );
  });

  it('writes a UUID in 17 bytes, and a small difference in one', () => {
    const to = new ByteWriter();
    to.text('0195a0c4-7a10-7000-8000-000000000001');
    expect(to.finish().length).toBe(17);
    expect(to.number(43.738_413, { base: 437_384_123, parts: 10_000_000 })).toBe(437_384_130);
    expect(to.finish().length).toBe(18);
  });
});

describe(ByteReader, () => {
  it('throws if the bytes end early', () => {
    const to = new ByteWriter();
    to.text('some text');
    const bytes = to.finish();
    expect(() => new ByteReader(bytes.subarray(0, 5)).text()).toThrow(RangeError);
    expect(() => new ByteReader(Buffer.alloc(0)).count()).toThrow(RangeError);
  });
});
