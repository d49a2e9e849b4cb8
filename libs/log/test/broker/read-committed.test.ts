import { until } from '@hailstream/service/testing';
import fc from 'fast-check';
import { Kafka, logLevel, Partitioners, type Producer as KafkaProducer } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { startTestBroker } from '../../src/testing.js';
import { PARTITIONS, step, TransactionRun } from './transaction-model.js';
import { TransactionalClient } from './transactional-client.js';

const TOPIC = 'rides';
/** Small enough for every test run; raise these numbers for a longer one. */
const RUNS = 6;
const STEPS = 60;
const SEED = 4;

describe('read_committed', () => {
  it('returns what a model predicts, with concurrent writes, commits, aborts, fencing and restarts', async () => {
    await using broker = await startTestBroker();
    let runs = 0;
    const property = fc.asyncProperty(
      fc.array(step, { minLength: STEPS, maxLength: STEPS }),
      async (steps) => {
        using client = await TransactionalClient.connect(broker.port);
        const topic = `${TOPIC}-${runs++}`;
        await client.createTopic(topic, PARTITIONS, { 'segment.bytes': '1024' });
        const run = new TransactionRun(broker, client, topic);
        await run.start();
        for (const [i, each] of steps.entries()) {
          await run.take(each);
          if (i % 10 !== 9) continue;
          const { seen, expected } = await run.compare();
          expect(seen).toEqual(expected);
        }
      },
    );
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  }, 120_000);

  it('returns the same from a compacted topic, which drops aborted records and keeps open transactions', async () => {
    const settings = { 'log.cleaner.backoff.ms': '20', 'log.cleaner.delete.retention.ms': '0' };
    await using broker = await startTestBroker({ settings });
    using client = await TransactionalClient.connect(broker.port);
    await client.createTopic(TOPIC, 1, {
      'cleanup.policy': 'compact',
      'segment.bytes': '1024',
      // Otherwise the dirty part may be too small to be cleaned, depending on the cleaner's last position.
      'min.cleanable.dirty.ratio': '0',
    });
    const [a, b, open] = [await client.begin('a'), await client.begin('b'), await client.begin('open')];
    const padded = (value: string) => value.padEnd(60);
    for (let i = 0; i < 40; i++) {
      for (const [producer, outcome] of [
        [a, 'commit'],
        [b, 'abort'],
      ] as const) {
        await client.add(producer, TOPIC, [0]);
        await client.produce(producer, TOPIC, 0, [padded(`${outcome} ${i}`)], { key: `k${i % 3}` });
        await client.end(producer, outcome);
      }
    }
    await client.add(open, TOPIC, [0]);
    await client.produce(open, TOPIC, 0, [padded('open')], { key: 'k0' });
    for (let i = 0; i < 30; i++) {
      await client.add(b, TOPIC, [0]);
      await client.produce(b, TOPIC, 0, [padded(`behind ${i}`)], { key: 'k1' });
      await client.end(b, 'abort');
    }
    const uncommitted = async () => (await client.read(TOPIC, 0, 'uncommitted')).map((value) => value.trim());
    const newest = ['commit 37', 'commit 38', 'commit 39'];
    // Records before the first open transaction are decided and can be compacted.
    await until(async () => (await uncommitted()).filter((value) => value.startsWith('abort')).length < 8);
    await until(async () => (await uncommitted()).filter((value) => value.startsWith('commit')).length < 12);
    const behind = (await uncommitted()).filter((value) => value.startsWith('behind'));
    expect(behind).toHaveLength(30);
    const committed = (await client.read(TOPIC, 0, 'committed')).map((value) => value.trim());
    expect(committed.slice(-3)).toEqual(newest);
    expect(committed.every((value) => value.startsWith('commit'))).toBe(true);
    expect(await client.end(open, 'commit')).toEqual({ error: 'NONE' });
    await until(async () => (await uncommitted()).filter((value) => value.startsWith('behind')).length < 12);
    expect((await client.read(TOPIC, 0, 'committed')).at(-1)?.trim()).toBe('open');
  });
});

describe('kafkajs', () => {
  const transactional = (kafka: Kafka, transactionalId: string): KafkaProducer =>
    kafka.producer({
      transactionalId,
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { initialRetryTime: 20 },
    });

  it('commits and aborts with the consumed offsets', async () => {
    await using broker = await startTestBroker();
    const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });
    const producer = transactional(kafka, 'pipeline');
    await producer.connect();
    const offsetsOf = async () => (await admin.fetchOffsets({ groupId: 'pipeline', topics: [TOPIC] }))[0];
    for (const [i, outcome] of (['commit', 'abort', 'commit'] as const).entries()) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: TOPIC, messages: [{ partition: 0, value: `${outcome} ${i}` }] });
      await transaction.send({ topic: TOPIC, messages: [{ partition: 1, value: `${outcome} ${i}` }] });
      const partitions = [{ partition: 0, offset: String(i + 1) }];
      await transaction.sendOffsets({ consumerGroupId: 'pipeline', topics: [{ topic: TOPIC, partitions }] });
      await transaction[outcome]();
      const committed = outcome === 'commit' ? i + 1 : i;
      expect((await offsetsOf())?.partitions.find(({ partition }) => partition === 0)?.offset).toBe(
        String(committed),
      );
    }
    // Another producer with the same transactional id fences the first, during a transaction.
    const left = await producer.transaction();
    await left.send({ topic: TOPIC, messages: [{ partition: 0, value: 'left' }] });
    const successor = transactional(kafka, 'pipeline');
    await successor.connect();
    const last = await successor.transaction();
    await last.send({ topic: TOPIC, messages: [{ partition: 0, value: 'last' }] });
    await last.commit();
    await expect(left.commit()).rejects.toThrow(/newer transactional producer|epoch/i);
    const seen: string[] = [];
    const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) });
    await until(() => seen.length === 5);
    expect(seen.toSorted()).toEqual(['commit 0', 'commit 0', 'commit 2', 'commit 2', 'last']);
    for (const each of [consumer, producer, successor, admin]) await each.disconnect();
  });
});
