import { describe, expect, it } from 'vitest';
import { readBatchHeader } from '../../src/protocol/record-batch.js';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import type { RawClient } from './raw-client.js';
import { batchesOf, TransactionalClient } from './transactional-client.js';

const SEGMENT_BYTES = '70000';
const VERSIONS = [4, 5, 7, 9, 11, 12];

interface Fetched {
  readonly topics: {
    readonly partitions: {
      readonly errorCode: number;
      readonly highWatermark: bigint;
      readonly records: readonly Buffer[] | null;
    }[];
  }[];
}

/**
 * Two topics with one partition each: `ahead` has a small record, `behind` a large batch in a segment that is not the
 * last.
 */
async function twoTopics(broker: TestBroker): Promise<TransactionalClient> {
  const client = await TransactionalClient.connect(broker.port);
  for (const topic of ['ahead', 'behind']) {
    await client.createTopic(topic, 1, { 'segment.bytes': SEGMENT_BYTES });
  }
  await produce(client.raw, 'ahead', 1_000);
  for (const bytes of [60_000, 9_000, 2_000, 100]) await produce(client.raw, 'behind', bytes);
  return client;
}

async function produce(client: RawClient, topic: string, bytes: number): Promise<void> {
  const batch = makeRecordBatch([{ key: null, value: Buffer.alloc(bytes) }], BigInt(Date.now()));
  const { topics } = await client.call<{ topics: { partitions: { errorCode: number }[] }[] }>(0, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1_000,
    topics: [{ name: topic, partitions: [{ index: 0, records: [batch] }] }],
  });
  expect(topics[0]?.partitions[0]?.errorCode).toBe(0);
}

function fetch(
  client: RawClient,
  version: number,
  wanted: {
    topics: readonly { topic: string; offset: bigint }[];
    maxBytes: number;
    partitionMaxBytes: number;
    committed?: boolean;
  },
): Promise<Fetched> {
  const { topics, maxBytes, partitionMaxBytes, committed = false } = wanted;
  return client.call<Fetched>(1, version, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes,
    isolationLevel: committed ? 1 : 0,
    sessionId: 0,
    sessionEpoch: -1,
    forgottenTopics: [],
    rackId: '',
    topics: topics.map(({ topic, offset }) => ({
      topic,
      partitions: [
        {
          partition: 0,
          currentLeaderEpoch: -1,
          fetchOffset: offset,
          lastFetchedEpoch: -1,
          logStartOffset: -1n,
          partitionMaxBytes,
        },
      ],
    })),
  });
}

function baseOffsetsOf(fetched: Fetched, topic: number): bigint[] {
  const records = Buffer.concat([...(fetched.topics[topic]?.partitions[0]?.records ?? [])]);
  return [...batchesOf(records)].map((batch) => readBatchHeader(batch).baseOffset);
}

describe('fetch limits', () => {
  it.each(VERSIONS.flatMap((version) => [true, false].map((committed) => ({ version, committed }))))(
    'omit a batch and do not skip it (version $version, committed: $committed)',
    async ({ version, committed }) => {
      await using broker = await startTestBroker();
      using client = await twoTopics(broker);
      const topics = ['ahead', 'behind'].map((topic) => ({ topic, offset: 0n }));
      for (const limits of [
        { maxBytes: 50 << 20, partitionMaxBytes: 20_000 },
        { maxBytes: 20_000, partitionMaxBytes: 1 << 20 },
        { maxBytes: 1, partitionMaxBytes: 1 },
        { maxBytes: 0, partitionMaxBytes: 0 },
      ]) {
        const fetched = await fetch(client.raw, version, { topics, ...limits, committed });
        expect(baseOffsetsOf(fetched, 0)).toEqual([0n]);
        expect(baseOffsetsOf(fetched, 1)).toEqual([]);
        expect(fetched.topics[1]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 4n });
      }
    },
  );

  it('do not apply to the first partition with records', async () => {
    await using broker = await startTestBroker();
    using client = await twoTopics(broker);
    const topics = [
      { topic: 'ahead', offset: 1n },
      { topic: 'behind', offset: 0n },
    ];
    const fetched = await fetch(client.raw, 11, { topics, maxBytes: 1, partitionMaxBytes: 1 });
    expect(baseOffsetsOf(fetched, 0)).toEqual([]);
    expect(baseOffsetsOf(fetched, 1)).toEqual([0n]);
  });

  it('do not change errors', async () => {
    await using broker = await startTestBroker();
    using client = await twoTopics(broker);
    const topics = [
      { topic: 'ahead', offset: 0n },
      { topic: 'behind', offset: 99n },
    ];
    const fetched = await fetch(client.raw, 11, { topics, maxBytes: 1, partitionMaxBytes: 0 });
    expect(fetched.topics[1]?.partitions[0]?.errorCode).toBe(1);
  });
});
