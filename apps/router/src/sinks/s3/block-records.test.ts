import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BlockRecords } from './block-records.js';
import { ndjsonGzip } from './formats/ndjson.js';
import type { BlockRecord } from './formats/object-format.js';

const HOUR_MS = 3_600_000;
const EIGHT = Date.UTC(2026, 2, 1, 8);
const range = { topic: 'ride.telemetry', partition: 3, from: 0n, to: 100_000n };

/** Records of these hours before 08:00, received at 08:30, in this order. */
function recordsOf(hours: readonly number[]): BlockRecord[] {
  return hours.map((hoursBefore, index) => ({
    timeMs: EIGHT - hoursBefore * HOUR_MS + index,
    offset: BigInt(index),
    receivedMs: EIGHT + HOUR_MS / 2,
    value: Buffer.from(`{"n":${index}}`),
  }));
}

function repeat(hour: number, count: number): number[] {
  return Array.from({ length: count }, () => hour);
}

function encode(records: readonly BlockRecord[]) {
  const block = new BlockRecords(ndjsonGzip, range.partition);
  for (const record of records) block.push(record, {});
  return block.encode('lake/', range);
}

/** Records by folder of the keys. */
async function countsOf(hours: readonly number[]): Promise<Record<string, number>> {
  const objects = await encode(recordsOf(hours));
  return Object.fromEntries(
    objects.map(({ stored: { key, records } }) => [key.slice('lake/'.length, key.lastIndexOf('/')), records]),
  );
}

const AT_EIGHT = 'topic=ride.telemetry/date=2026-03-01/hour=08';
const LATE = `late/${AT_EIGHT}`;

describe(BlockRecords, () => {
  it('has no objects if there are no records', async () => {
    expect(await encode([])).toEqual([]);
  });

  it('gives the two largest hours an object each, however small they are', async () => {
    expect(await countsOf([0, 0, 0, 1])).toEqual({
      [AT_EIGHT]: 3,
      'topic=ride.telemetry/date=2026-03-01/hour=07': 1,
    });
  });

  it('collects the records of all smaller hours in one late object, in the hour of their receipt', async () => {
    expect(await countsOf([0, 0, 0, 1, 1, 30, 31, 2])).toEqual({
      [AT_EIGHT]: 3,
      'topic=ride.telemetry/date=2026-03-01/hour=07': 2,
      [LATE]: 3,
    });
  });

  it('prefers the latest of hours with equally many records', async () => {
    expect(Object.keys(await countsOf([2, 1, 0]))).toEqual([
      LATE,
      'topic=ride.telemetry/date=2026-03-01/hour=07',
      AT_EIGHT,
    ]);
  });

  it.each([
    { records: 99, others: 1_000, isLate: true },
    { records: 100, others: 1_000, isLate: false },
    { records: 100, others: 10_000, isLate: true },
    { records: 103, others: 10_000, isLate: false },
  ])(
    'decides whether an hour with $records of $others records is late',
    async ({ records, others, isLate }) => {
      const counts = await countsOf([...repeat(0, others), ...repeat(1, records + 1), ...repeat(2, records)]);
      const own = 'topic=ride.telemetry/date=2026-03-01/hour=06';
      expect(counts[isLate ? LATE : own]).toBe(records);
      expect(Object.keys(counts)).toHaveLength(3);
    },
  );

  it('describes its objects by key, size, SHA-256 and records of each hour', async () => {
    const objects = await encode(recordsOf([0, 0, 0, 1, 1, 2, 3, 3]));
    for (const { stored, bytes } of objects) {
      expect(stored.sizeBytes).toBe(bytes.length);
      expect(stored.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
    const late = objects.find(({ stored: { key } }) => key.includes('late/'))!;
    expect(late.stored.hours).toEqual({ '2026-03-01T05:00:00.000Z': 2, '2026-03-01T06:00:00.000Z': 1 });
    expect(await ndjsonGzip.offsets(late.bytes)).toEqual([5n, 6n, 7n]);
  });

  it('gives equal blocks equal objects', async () => {
    const hours = [0, 5, 0, 1, 1, 2, 9, 0];
    expect(await encode(recordsOf(hours))).toEqual(await encode(recordsOf(hours)));
  });
});
