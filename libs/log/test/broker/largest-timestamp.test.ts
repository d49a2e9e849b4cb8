import { describe, expect, it } from 'vitest';
import { startTestBroker } from '../../src/testing.js';
import { LogUnderTest } from '../scenarios/log-under-test.js';

const LARGEST_TIMESTAMP = -3n;
const START = BigInt(Date.now()) - 3_600_000n;

describe('ListOffsets of the largest timestamp', () => {
  // Apache Kafka 4.3 returns the deleted record, which cannot be fetched.
  it.each([
    ['in one segment', '1048576'],
    ['in many segments', '1024'],
  ])('considers only records that were not deleted, %s', async (_, segmentBytes) => {
    await using broker = await startTestBroker();
    using log = new LogUnderTest([broker.address]);
    const topic = await log.topic({ configs: { 'segment.bytes': segmentBytes } });
    const timestamps = [20n, 30n, 10n, 15n, 5n].map((after) => START + after);
    for (const timestamp of timestamps) {
      await topic.append(['x'.repeat(600)], { baseTimestamp: timestamp, maxTimestamp: timestamp });
    }
    for (const [start, offset] of [
      [0n, 1n],
      [1n, 1n],
      [2n, 3n],
      [4n, 4n],
      [5n, -1n],
    ] as const) {
      await topic.deleteRecords(start);
      expect(await topic.offsetAt(LARGEST_TIMESTAMP)).toMatchObject({
        offset,
        timestamp: offset < 0n ? -1n : timestamps[Number(offset)],
      });
    }
  });
});
