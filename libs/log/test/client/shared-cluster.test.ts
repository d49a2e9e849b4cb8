import { until } from '@hailstream/service/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdmin, createBatchConsumer, DEAD_LETTER_HEADERS } from '../../src/client/index.js';
import { append, Bench, logger, record } from './_util.js';

const PREFIX = 'acme.';

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench[Symbol.asyncDispose]());

const prefixed = () => ({ ...bench.connection, topicPrefix: PREFIX });

async function topicsOfCluster(): Promise<string[]> {
  const admin = bench.kafkajs().admin();
  await admin.connect();
  const topics = await admin.listTopics();
  await admin.disconnect();
  return topics;
}

describe('a prefix', () => {
  it('is part of the names of topics and groups in the cluster only', async () => {
    await using admin = createAdmin({ connection: prefixed(), logger });
    await admin.ensureTopics([
      { name: 'rides', partitions: 2 },
      { name: 'rides.dead', partitions: 1 },
    ]);
    expect(await topicsOfCluster()).toEqual(expect.arrayContaining(['acme.rides', 'acme.rides.dead']));
    expect(await topicsOfCluster()).not.toContain('rides');

    const producer = bench.producer({ connection: prefixed() });
    await append(
      producer,
      ['a', 'b', 'poison', 'c'].map((value) => record('rides', 'k', value)),
    );
    const ends = await admin.offsets('rides');
    expect([...ends.values()].map(({ latest }) => Number(latest)).toSorted()).toEqual([0, 4]);

    const seen: string[] = [];
    await using consumer = createBatchConsumer({
      connection: prefixed(),
      logger,
      groupId: 'readers',
      topics: ['rides'],
      offsets: { kind: 'committed', startAt: 'earliest' },
      deadLetterTopic: 'rides.dead',
      handler: async (batch, context) => {
        for (const one of batch.records) {
          if (String(one.value) === 'poison') await context.deadLetter(one, new Error('no'));
          else seen.push(`${batch.topic} ${String(one.value)}`);
        }
      },
    });
    await consumer.start();
    await until(() => seen.length === 3);
    expect(seen).toEqual(['rides a', 'rides b', 'rides c']);
    expect(consumer.assignment().map(({ topic }) => topic)).toEqual(['rides', 'rides']);
    await until(async () => Object.values(await bench.committed('acme.readers', 'acme.rides')).includes('4'));
    expect(await bench.groups()).not.toContain('readers');

    const letters: string[] = [];
    await using reader = createBatchConsumer({
      connection: prefixed(),
      logger,
      groupId: 'letters',
      topics: ['rides.dead'],
      offsets: { kind: 'everything-since', timestampMs: 0 },
      handler: async ({ records }) => {
        letters.push(...records.map(({ headers }) => String(headers[DEAD_LETTER_HEADERS.topic])));
      },
    });
    await reader.start();
    await until(() => letters.length > 0);
    expect(letters).toEqual(['rides']);
  });

  it('is part of topic names in messages', async () => {
    await using admin = createAdmin({ connection: prefixed(), logger });
    await admin.ensureTopics([{ name: 'few', partitions: 1 }]);
    await expect(admin.ensureTopics([{ name: 'few', partitions: 3 }])).rejects.toMatchObject({
      message: 'topic "acme.few" has 1 partitions, 3 are required',
    });
    const producer = bench.producer({ connection: prefixed() });
    expect(await producer.send([record('none', 'k', 'v')])).toMatchObject([
      { kind: 'failed', error: { code: 'UNKNOWN_TOPIC', message: 'the log has no topic "acme.none"' } },
    ]);
  });
});

describe('topics that are created elsewhere', () => {
  it('are not created, and awaited until they exist', async () => {
    await using checking = createAdmin({
      connection: bench.connection,
      logger,
      topicPolicy: { missing: 'check' },
    });
    const expected = [
      { name: 'theirs', partitions: 12 },
      { name: 'theirs-too', partitions: 12 },
    ];
    await expect(checking.ensureTopics(expected)).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC',
      retryable: true,
      message: 'the log has no topic "theirs", "theirs-too"; create it, or set the topic policy to "create"',
    });
    expect(await topicsOfCluster()).not.toContain('theirs');
    await using making = createAdmin({ connection: bench.connection, logger });
    await making.ensureTopics(expected.map(({ name }) => ({ name, partitions: 3 })));
    await checking.ensureTopics(expected);
    expect((await checking.offsets('theirs')).size).toBe(3);
  });

  it('are refused with too few replicas', async () => {
    await bench.topic(1);
    const name = await bench.topic(2);
    await using checking = createAdmin({
      connection: bench.connection,
      logger,
      topicPolicy: { missing: 'check', replicationFactor: 3 },
    });
    await expect(checking.ensureTopics([{ name, partitions: 2 }])).rejects.toMatchObject({
      code: 'TOPIC_MISMATCH',
      retryable: false,
      message: `topic "${name}" has 1 replicas of a partition, 3 are required`,
    });
  });
});

describe('topics that the library creates', () => {
  it('have the common configs, overridden by their own', async () => {
    await using admin = createAdmin({
      connection: bench.connection,
      logger,
      topicPolicy: {
        missing: 'create',
        replicationFactor: 1,
        configs: { 'max.message.bytes': '1000', 'retention.ms': '86400000' },
      },
    });
    await admin.ensureTopics([
      { name: 'configured', partitions: 1 },
      { name: 'own', partitions: 1, configs: { 'max.message.bytes': '9000' } },
    ]);
    const results = await bench
      .producer()
      .send([record('configured', 'k', 'x'.repeat(2_000)), record('own', 'k', 'x'.repeat(2_000))]);
    expect(results).toMatchObject([
      { kind: 'failed', error: { code: 'RECORD_TOO_LARGE' } },
      { kind: 'appended' },
    ]);
  });

  it('are refused if the cluster has fewer brokers than the replication factor', async () => {
    await using admin = createAdmin({
      connection: bench.connection,
      logger,
      topicPolicy: { missing: 'create', replicationFactor: 3 },
    });
    await expect(admin.ensureTopics([{ name: 'copied', partitions: 1 }])).rejects.toMatchObject({
      code: 'REFUSED',
      retryable: false,
    });
  });
});
