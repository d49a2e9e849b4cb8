import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockFolder, blockManifestKey, hourManifestKey, objectKey, rangeOfKey } from './layout.js';

const HOUR_MS = 3_600_000;
const topics = fc.stringMatching(/^[a-zA-Z0-9._-]{1,40}$/);
const offsets = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const ranges = fc
  .record({ topic: topics, partition: fc.integer({ min: 0, max: 99_999 }), from: offsets, to: offsets })
  .filter(({ from, to }) => from < to);
const hours = fc.integer({ min: 0, max: Math.floor(Date.UTC(9_999, 11, 31) / HOUR_MS) });
const prefixes = fc.constantFrom('', 'lake/', 'a/topic=b/', 'late/');

describe(rangeOfKey, () => {
  it('reads the range from the key of every object', () => {
    fc.assert(
      fc.property(prefixes, ranges, hours, fc.boolean(), (prefix, range, hour, isLate) => {
        const key = objectKey(prefix, range, { hourMs: hour * HOUR_MS, isLate, extension: 'ndjson.gz' });
        expect(rangeOfKey(key)).toEqual(range);
      }),
    );
  });

  it('is undefined for manifests', () => {
    fc.assert(
      fc.property(prefixes, ranges, hours, (prefix, range, hour) => {
        expect(rangeOfKey(hourManifestKey(prefix, range.topic, hour * HOUR_MS))).toBeUndefined();
        expect(rangeOfKey(blockManifestKey(prefix, range))).toBeUndefined();
      }),
    );
  });
});

describe(objectKey, () => {
  const range = { topic: 'ride.trips', partition: 7, from: 12n, to: 345n };

  it('has the hour in UTC, and offsets with 20 digits', () => {
    const hourMs = Date.UTC(2026, 2, 1, 8);
    const name = 'ride.trips-00007-00000000000000000012-00000000000000000345.ndjson.gz';
    expect(objectKey('lake/', range, { hourMs, isLate: false, extension: 'ndjson.gz' })).toBe(
      `lake/topic=ride.trips/date=2026-03-01/hour=08/${name}`,
    );
    expect(objectKey('lake/', range, { hourMs, isLate: true, extension: 'ndjson.gz' })).toBe(
      `lake/late/topic=ride.trips/date=2026-03-01/hour=08/${name}`,
    );
  });
});

describe(blockManifestKey, () => {
  it('sorts by offset, in the folder of the partition', () => {
    fc.assert(
      fc.property(prefixes, ranges, (prefix, { topic, partition, from, to }) => {
        const [first, second] = [from, to].map((each) =>
          blockManifestKey(prefix, { topic, partition, from: each }),
        );
        expect(first! < second!).toBe(true);
        expect(first!.startsWith(blockFolder(prefix, topic, partition))).toBe(true);
      }),
    );
  });
});
