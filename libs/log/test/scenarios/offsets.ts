import { expect } from 'vitest';
import { packBatch, writeRecords } from '../../src/protocol/records.js';
import { Api, only } from './apis.js';
import { area, each } from './scenario.js';
import type { TopicUnderTest } from './topic-under-test.js';

const LATEST = -1n;
const EARLIEST = -2n;
const LARGEST_TIMESTAMP = -3n;
const START = BigInt(Date.now()) - 3_600_000n;

/** Appends records with the timestamps START, +10 and +20. */
async function appendThree(topic: TopicUnderTest, attributes = 0): Promise<void> {
  for (const [i, value] of ['a', 'b', 'c'].entries()) {
    const timestamp = START + BigInt(10 * i);
    await topic.append([value], { attributes, baseTimestamp: timestamp, maxTimestamp: timestamp });
  }
}

export const offsetsArea = area('ListOffsets', {
  ...each(
    [1, 2, 3, 4, 5, 6, 7],
    'version $ returns the start, the end and offsets by timestamp',
    async (log, version) => {
      const topic = await log.topic();
      await appendThree(topic);
      expect(await topic.offsetAt(EARLIEST, { version })).toMatchObject({
        error: 'NONE',
        offset: 0n,
        timestamp: -1n,
      });
      expect(await topic.offsetAt(LATEST, { version })).toMatchObject({
        error: 'NONE',
        offset: 3n,
        timestamp: -1n,
      });
      expect(await topic.offsetAt(START + 10n, { version })).toMatchObject({
        offset: 1n,
        timestamp: START + 10n,
      });
    },
  ),
  'returns the first record with a timestamp or a later one': async (log) => {
    const topic = await log.topic();
    await appendThree(topic);
    for (const [after, offset] of [
      [-100n, 0n],
      [0n, 0n],
      [1n, 1n],
      [10n, 1n],
      [11n, 2n],
      [20n, 2n],
    ] as const) {
      expect(await topic.offsetAt(START + after)).toMatchObject({ error: 'NONE', offset });
    }
    expect(await topic.offsetAt(START + 21n)).toMatchObject({ error: 'NONE', offset: -1n, timestamp: -1n });
  },
  'returns a record inside a batch': async (log) => {
    const topic = await log.topic();
    const records = writeRecords(
      [0n, 10n, 20n].map((timestampDelta, offsetDelta) => ({
        offsetDelta,
        timestampDelta,
        key: null,
        value: Buffer.from('a'),
        headers: [],
      })),
    );
    for (const attributes of [0, 1, 2, 3]) {
      const fields = { baseOffset: 0n, lastOffsetDelta: 2, attributes, count: 3 };
      const times = { baseTimestamp: START, maxTimestamp: START + 20n };
      const producer = { producerId: -1n, producerEpoch: -1, baseSequence: -1 };
      expect((await topic.produce(packBatch({ ...fields, ...times, ...producer }, records))).error).toBe(
        'NONE',
      );
    }
    expect(await topic.offsetAt(START + 5n)).toMatchObject({ offset: 1n, timestamp: START + 10n });
    for (const [codec, first] of [
      [1, 3n],
      [2, 6n],
      [3, 9n],
    ] as const) {
      await topic.deleteRecords(first);
      expect({ codec, ...(await topic.offsetAt(START + 5n)) }).toMatchObject({ codec, offset: first + 1n });
    }
  },
  'returns the record with the largest timestamp': async (log) => {
    const topic = await log.topic();
    expect(await topic.offsetAt(LARGEST_TIMESTAMP)).toMatchObject({
      error: 'NONE',
      offset: -1n,
      timestamp: -1n,
    });
    await appendThree(topic);
    await topic.append(['older'], { baseTimestamp: START, maxTimestamp: START });
    expect(await topic.offsetAt(LARGEST_TIMESTAMP)).toMatchObject({ offset: 2n, timestamp: START + 20n });
  },
  'starts after deleted records': async (log) => {
    const topic = await log.topic();
    await appendThree(topic);
    await topic.deleteRecords(2n);
    expect(await topic.offsetAt(EARLIEST)).toMatchObject({ offset: 2n });
    expect(await topic.offsetAt(START)).toMatchObject({ offset: 2n, timestamp: START + 20n });
  },
  'returns 0 and 0 for an empty log': async (log) => {
    const topic = await log.topic();
    expect(await topic.offsetAt(EARLIEST)).toMatchObject({ error: 'NONE', offset: 0n });
    expect(await topic.offsetAt(LATEST)).toMatchObject({ error: 'NONE', offset: 0n });
    expect(await topic.offsetAt(START)).toMatchObject({ error: 'NONE', offset: -1n });
  },
  'refuses an unknown partition': async (log) => {
    const topic = await log.topic();
    expect(await topic.offsetAt(LATEST, { partition: 7 })).toMatchObject({
      error: 'UNKNOWN_TOPIC_OR_PARTITION',
      offset: -1n,
    });
  },
  'refuses a leader epoch that is newer than the current one': async (log) => {
    const topic = await log.topic();
    expect(await topic.offsetAt(LATEST, { leaderEpoch: 50 })).toMatchObject({
      error: 'UNKNOWN_LEADER_EPOCH',
    });
  },
  'refuses a partition that the request contains twice': async (log) => {
    const topic = await log.topic();
    const partition = { partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n };
    const answer = await topic
      .leader()
      .call<{ topics: { partitions: { errorCode: number }[] }[] }>(Api.ListOffsets as number, 7, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: topic.name, partitions: [partition, partition] }],
      });
    const codes = answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
    expect(new Set(codes)).toEqual(new Set([42]));
  },
});

export const deleteRecordsArea = area('DeleteRecords', {
  ...each([0, 1, 2], 'version $ makes records before an offset unreadable', async (log, version) => {
    const topic = await log.topic();
    await topic.append(['a', 'b', 'c']);
    await topic.append(['d']);
    expect(await topic.deleteRecords(1n, { version })).toMatchObject({ error: 'NONE', lowWatermark: 1n });
    expect(await topic.fetch({ offset: 0n })).toMatchObject({ error: 'OFFSET_OUT_OF_RANGE' });
    expect(await topic.fetch({ offset: 1n })).toMatchObject({
      error: 'NONE',
      logStartOffset: 1n,
      highWatermark: 4n,
    });
  }),
  'with -1 deletes all records': async (log) => {
    const topic = await log.topic();
    await topic.append(['a', 'b']);
    expect(await topic.deleteRecords(-1n)).toMatchObject({ error: 'NONE', lowWatermark: 2n });
    expect(await topic.values({ offset: 2n })).toEqual([]);
    expect(await topic.append(['c'])).toBe(2n);
  },
  'does not move the start of the log back': async (log) => {
    const topic = await log.topic();
    await topic.append(['a', 'b', 'c']);
    await topic.deleteRecords(2n);
    expect(await topic.deleteRecords(1n)).toMatchObject({ error: 'NONE', lowWatermark: 2n });
  },
  ...each([4n, -2n], 'refuses offset $ of a log with three records', async (log, offset) => {
    const topic = await log.topic();
    await topic.append(['a', 'b', 'c']);
    expect(await topic.deleteRecords(offset)).toMatchObject({
      error: 'OFFSET_OUT_OF_RANGE',
      lowWatermark: -1n,
    });
  }),
  'refuses an unknown partition': async (log) => {
    const topic = await log.topic();
    expect(await topic.deleteRecords(0n, { partition: 4 })).toMatchObject({
      error: 'UNKNOWN_TOPIC_OR_PARTITION',
      lowWatermark: -1n,
    });
  },
  'refuses compacted topics without the delete policy': async (log) => {
    const compacted = await log.topic({ configs: { 'cleanup.policy': 'compact' } });
    expect(await compacted.deleteRecords(0n)).toMatchObject({ error: 'POLICY_VIOLATION' });
    const both = await log.topic({ configs: { 'cleanup.policy': 'compact,delete' } });
    expect(await both.deleteRecords(0n)).toMatchObject({ error: 'NONE' });
  },
});

export const leaderEpochArea = area('OffsetForLeaderEpoch', {
  ...each([2, 3, 4], 'version $ returns the end offset of an epoch', async (log, version) => {
    const topic = await log.topic();
    await topic.append(['a', 'b']);
    const end = async (leaderEpoch: number, currentLeaderEpoch = -1, partition = 0) => {
      const answer = await topic.leader().call<{
        topics: { partitions: { errorCode: number; leaderEpoch: number; endOffset: bigint }[] }[];
      }>(Api.OffsetForLeaderEpoch as number, version, {
        replicaId: -2,
        topics: [{ topic: topic.name, partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }],
      });
      return only(only(answer.topics).partitions);
    };
    expect(await end(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 2n });
    expect(await end(9)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1n });
    expect(await end(0, 50)).toMatchObject({ errorCode: 75, leaderEpoch: -1, endOffset: -1n });
    expect(await end(0, -1, 9)).toMatchObject({ errorCode: 3, leaderEpoch: -1, endOffset: -1n });
  }),
});
