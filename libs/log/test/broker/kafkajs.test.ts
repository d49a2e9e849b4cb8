import { until } from '@hailstream/service/testing';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { startTestBroker, type TestBroker } from '../../src/testing.js';

function clientOf(broker: TestBroker): Kafka {
  return new Kafka({ clientId: 'test', brokers: [broker.address], logLevel: logLevel.NOTHING });
}

describe('the embedded broker with kafkajs', () => {
  it('returns the records of an idempotent producer in order', async () => {
    await using broker = await startTestBroker();
    const kafka = clientOf(broker);
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'rides', numPartitions: 3 }] });
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    for (let round = 0; round < 10; round++) {
      await producer.send({
        topic: 'rides',
        acks: -1,
        messages: Array.from({ length: 20 }, (_, i) => ({
          partition: i % 3,
          key: `k${i}`,
          value: `${round * 20 + i}`,
        })),
      });
    }
    expect((await admin.fetchTopicOffsets('rides')).map(({ high }) => Number(high))).toEqual([70, 70, 60]);
    const seen = new Map<number, number[]>();
    const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic: 'rides', fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        seen.set(partition, [...(seen.get(partition) ?? []), Number(message.value?.toString())]);
      },
    });
    await until(() => [...seen.values()].flat().length === 200);
    for (const values of seen.values()) expect(values).toEqual(values.toSorted((a, b) => a - b));
    await consumer.disconnect();
    await producer.disconnect();
    await admin.disconnect();
  });

  it('assigns partitions to two members, and again after one has left', async () => {
    await using broker = await startTestBroker();
    const kafka = clientOf(broker);
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'rides', numPartitions: 4 }] });
    const assigned = [new Set<number>(), new Set<number>()];
    const consumers = assigned.map((own) => {
      const consumer = kafka.consumer({ groupId: 'pair', heartbeatInterval: 100, maxWaitTimeInMs: 100 });
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        own.clear();
        for (const partition of payload.memberAssignment['rides'] ?? []) own.add(partition);
      });
      return consumer;
    });
    for (const consumer of consumers) {
      await consumer.connect();
      await consumer.subscribe({ topic: 'rides', fromBeginning: true });
      await consumer.run({ eachMessage: async () => undefined });
    }
    await until(() => assigned[0]?.size === 2 && assigned[1]?.size === 2);
    expect([...(assigned[0] ?? []), ...(assigned[1] ?? [])].sort()).toEqual([0, 1, 2, 3]);
    await consumers[0]?.disconnect();
    await until(() => assigned[1]?.size === 4);
    await consumers[1]?.disconnect();
    await admin.disconnect();
  });

  it('lets an idempotent producer continue after a restart', async () => {
    await using broker = await startTestBroker();
    const kafka = clientOf(broker);
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { initialRetryTime: 50 },
    });
    await producer.connect();
    const send = (value: string) =>
      producer.send({ topic: 'rides', acks: -1, messages: [{ partition: 0, value }] });
    for (let i = 0; i < 5; i++) await send(`before-${i}`);
    await broker.restart();
    for (let i = 0; i < 5; i++) await send(`after-${i}`);
    const admin = kafka.admin();
    await admin.connect();
    expect(await admin.fetchTopicOffsets('rides')).toMatchObject([{ partition: 0, high: '10' }]);
    await admin.disconnect();
    await producer.disconnect();
  });
});
