import { expect } from 'vitest';
import { readBatchHeader } from '../../src/protocol/record-batch.js';
import { NO_UUID } from '../../src/protocol/schema.js';
import { Api, only } from './apis.js';
import { area, each } from './scenario.js';
import { batchesIn, valuesIn } from './topic-under-test.js';

const LONG_MS = 30_000;
/** Longer than the timeout of a test, so that a request that waits for this long fails the test. */
const BEYOND_THE_TEST_MS = 600_000;

interface Answer {
  readonly errorCode: number;
  readonly sessionId: number;
  readonly topics: { topic: string; partitions: { errorCode: number; records: Buffer[] }[] }[];
}

export const fetchArea = area('Fetch', {
  ...each([4, 5, 6, 7, 8, 9, 10, 11, 12], 'version $ returns the appended records', async (log, version) => {
    const topic = await log.topic();
    await topic.append(['a', 'b']);
    await topic.append(['c']);
    const { records, ...answer } = await topic.fetch({ version });
    expect(answer).toMatchObject({ error: 'NONE', highWatermark: 2n + 1n, lastStableOffset: 3n });
    expect(answer.logStartOffset).toBe(version >= 5 ? 0n : -1n);
    expect(valuesIn(records)).toEqual(['a', 'b', 'c']);
  }),
  ...each([13, 14, 15, 16, 17], 'version $ identifies topics by id', async (log, version) => {
    const topic = await log.topic();
    await topic.append(['a', 'b']);
    const { topics } = await log.ask<{ topics: { topicId: string }[] }>(Api.Metadata, 12, {
      topics: [{ topicId: NO_UUID, name: topic.name }],
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: false,
    });
    const { topicId } = only(topics);
    const { records, error } = await topic.fetch({ version, topicId });
    expect(error).toBe('NONE');
    expect(valuesIn(records)).toEqual(['a', 'b']);
    expect((await topic.fetch({ version, topicId: 'ab'.repeat(16) })).error).toBe('UNKNOWN_TOPIC_ID');
  }),
  'returns the whole batch for an offset inside it': async (log) => {
    const topic = await log.topic();
    await topic.append(['a', 'b', 'c']);
    await topic.append(['d']);
    expect(await topic.values({ offset: 1n })).toEqual(['a', 'b', 'c', 'd']);
    expect(await topic.values({ offset: 3n })).toEqual(['d']);
  },
  'returns the first batch even if it exceeds all limits': async (log) => {
    const topic = await log.topic();
    await topic.append(['a'.repeat(5000)]);
    await topic.append(['b'.repeat(5000)]);
    expect(await topic.values({ partitionMaxBytes: 1 })).toEqual(['a'.repeat(5000)]);
    expect(await topic.values({ maxBytes: 1 })).toEqual(['a'.repeat(5000)]);
    expect(await topic.values({ maxBytes: 1, offset: 1n })).toEqual(['b'.repeat(5000)]);
  },
  'respects the limits after the first batch': async (log) => {
    const topic = await log.topic();
    for (let i = 0; i < 20; i++) await topic.append([String(i).padEnd(1000)]);
    for (const limit of [{ partitionMaxBytes: 4000 }, { maxBytes: 4000 }]) {
      const { records } = await topic.fetch(limit);
      expect(records.length).toBeLessThanOrEqual(4000);
      expect(batchesIn(records)).toHaveLength(3);
    }
  },
  'responds immediately if a topic is deleted while the request waits': async (log) => {
    const topic = await log.topic();
    await topic.append(['a']);
    const waiting = topic.fetch({ offset: 1n, maxWaitMs: BEYOND_THE_TEST_MS, minBytes: 1 });
    const { responses } = await log.ask<{ responses: { errorCode: number }[] }>(Api.DeleteTopics, 4, {
      topicNames: [topic.name],
      timeoutMs: LONG_MS,
    });
    expect(only(responses).errorCode).toBe(0);
    expect((await waiting).error).toMatch(
      /^(UNKNOWN_TOPIC_OR_PARTITION|NOT_LEADER_OR_FOLLOWER|UNKNOWN_TOPIC_ID)$/,
    );
  },
  'returns empty records, not null, at the end of the log': async (log) => {
    const topic = await log.topic();
    expect(await topic.fetch()).toMatchObject({ error: 'NONE', highWatermark: 0n, records: Buffer.alloc(0) });
    await topic.append(['a']);
    expect(await topic.fetch({ offset: 1n })).toMatchObject({
      error: 'NONE',
      highWatermark: 1n,
      records: Buffer.alloc(0),
    });
  },
  ...each([2n, 100n, -1n, -2n], 'refuses offset $ of a log with one record', async (log, offset) => {
    const topic = await log.topic();
    await topic.append(['a']);
    expect(await topic.fetch({ offset })).toMatchObject({
      error: 'OFFSET_OUT_OF_RANGE',
      records: Buffer.alloc(0),
    });
  }),
  'refuses an unknown partition': async (log) => {
    const topic = await log.topic();
    expect(await topic.fetch({ partition: 5 })).toMatchObject({ error: 'UNKNOWN_TOPIC_OR_PARTITION' });
  },
  'refuses an unknown topic and does not create it': async (log) => {
    const topic = await log.topic();
    const name = log.name();
    const body = topic.fetchRequest();
    const answer = await topic.leader().call<Answer>(Api.Fetch as number, 12, {
      ...body,
      topics: body.topics.map((each) => ({ ...each, topic: name })),
    });
    expect(only(only(answer.topics).partitions).errorCode).toBe(3);
    expect(only((await log.metadata([name])).topics).errorCode).toBe(3);
  },
  'responds to an error immediately, regardless of max_wait_ms': async (log) => {
    const topic = await log.topic();
    const started = performance.now();
    await topic.fetch({ offset: 9n, minBytes: 1, maxWaitMs: LONG_MS });
    expect(performance.now() - started).toBeLessThan(LONG_MS / 2);
  },
  'waits for an append and responds to it': async (log) => {
    const topic = await log.topic();
    const writer = await log.existingTopic(topic.name);
    const started = performance.now();
    const reading = topic.values({ minBytes: 1, maxWaitMs: LONG_MS });
    await writer.append(['wake up']);
    expect(await reading).toEqual(['wake up']);
    expect(performance.now() - started).toBeLessThan(LONG_MS / 2);
  },
  'waits for min_bytes': async (log) => {
    const topic = await log.topic();
    const writer = await log.existingTopic(topic.name);
    const reading = topic.values({ minBytes: 2500, maxWaitMs: LONG_MS });
    for (const value of ['a', 'b', 'c']) await writer.append([value.repeat(1000)]);
    expect((await reading).length).toBe(3);
  },
  'responds after max_wait_ms with the available records': async (log) => {
    const topic = await log.topic();
    await topic.append(['a']);
    expect(await topic.values({ minBytes: 100_000, maxWaitMs: 50 })).toEqual(['a']);
    expect(await topic.values({ offset: 1n, minBytes: 1, maxWaitMs: 50 })).toEqual([]);
  },
  'reads committed records up to the last stable offset, which is the end of the log if no transaction is open':
    async (log) => {
      const topic = await log.topic();
      await topic.append(['a']);
      const answer = await topic.fetch({ isolationLevel: 1 });
      expect(answer).toMatchObject({ highWatermark: 1n, lastStableOffset: 1n });
      expect(answer.abortedTransactions ?? []).toEqual([]);
      expect(valuesIn(answer.records)).toEqual(['a']);
    },
  'refuses a leader epoch that is newer than the current one': async (log) => {
    const topic = await log.topic();
    expect(await topic.fetch({ leaderEpoch: 0 })).toMatchObject({ error: 'NONE' });
    expect(await topic.fetch({ leaderEpoch: 50 })).toMatchObject({ error: 'UNKNOWN_LEADER_EPOCH' });
  },
  'returns all partitions to a client that requests a session': async (log) => {
    const topic = await log.topic();
    await topic.append(['a']);
    expect(await topic.values({ sessionEpoch: 0 })).toEqual(['a']);
  },
  'refuses an unknown session': async (log) => {
    const topic = await log.topic();
    await topic.append(['a']);
    const body = topic.fetchRequest({ sessionId: 12_345, sessionEpoch: 7 });
    const answer = await topic.leader().call<Answer>(Api.Fetch as number, 12, body);
    expect({ ...answer, topics: answer.topics.length }).toMatchObject({ errorCode: 70, topics: 0 });
  },
  'reads several partitions in one request': async (log) => {
    const { nodeId } = (await log.metadata([])).brokers[0] as { nodeId: number };
    const assignments = [0, 1].map((partitionIndex) => ({ partitionIndex, brokerIds: [nodeId] }));
    const topic = await log.topic({ assignments });
    for (const partition of [0, 1]) await topic.append([`in ${partition}`], {}, partition);
    const body = topic.fetchRequest();
    const [partition] = (body.topics[0] as { partitions: object[] }).partitions;
    const answer = await topic.leader().call<Answer>(Api.Fetch as number, 12, {
      ...body,
      topics: [
        { topic: topic.name, partitions: [0, 1, 2].map((index) => ({ ...partition, partition: index })) },
      ],
    });
    const read = only(answer.topics).partitions.map(({ errorCode, records }) => [
      errorCode,
      valuesIn(Buffer.concat(records)),
    ]);
    expect(read).toEqual([
      [0, ['in 0']],
      [0, ['in 1']],
      [3, []],
    ]);
  },
  'sets the base offset of each batch': async (log) => {
    const topic = await log.topic();
    await topic.append(['a', 'b']);
    await topic.append(['c']);
    const offsets = batchesIn((await topic.fetch()).records).map((batch) => {
      const { baseOffset, lastOffset } = readBatchHeader(batch);
      return [baseOffset, lastOffset];
    });
    expect(offsets).toEqual([
      [0n, 1n],
      [2n, 2n],
    ]);
  },
});
