import { until } from '@hailstream/service/testing';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { startTestBroker } from '../../src/testing.js';

const KEYS = 5;
const ROUNDS = 200;

describe('a compacted topic', () => {
  it('is reduced to the latest value of each key, across restarts, and readers miss no value', async () => {
    await using broker = await startTestBroker({ settings: { 'log.cleaner.backoff.ms': '50' } });
    const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({
      topics: [
        {
          topic: 'places',
          numPartitions: 1,
          configEntries: [
            { name: 'cleanup.policy', value: 'compact' },
            { name: 'segment.bytes', value: '2048' },
          ],
        },
      ],
    });
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    for (let i = 0; i < ROUNDS; i++) {
      await producer.send({
        topic: 'places',
        messages: [{ key: `k${i % KEYS}`, value: String(i).padStart(50, '0') }],
      });
    }
    const read = async (groupId: string) => {
      const values: [string, number][] = [];
      const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
      await consumer.connect();
      await consumer.subscribe({ topic: 'places', fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message }) => {
          values.push([String(message.key), Number(message.value)]);
        },
      });
      await until(() => values.at(-1)?.[1] === ROUNDS - 1);
      await consumer.disconnect();
      return values;
    };
    let round = 0;
    let values: [string, number][] = [];
    await until(async () => {
      values = await read(`reader-${round++}`);
      return values.length < ROUNDS / 2;
    });
    const newest = new Map(Array.from({ length: KEYS }, (_, k) => [`k${k}`, ROUNDS - KEYS + k]));
    expect(new Map(values)).toEqual(newest);
    await broker.restart();
    const after = await read('after');
    expect(new Map(after)).toEqual(newest);
    expect(await admin.fetchTopicOffsets('places')).toMatchObject([{ high: String(ROUNDS) }]);
    await producer.disconnect();
    await admin.disconnect();
  });
});
