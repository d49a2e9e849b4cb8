import { until } from '@hailstream/service/testing';
import { startKafka, type RunningKafka } from '@hailstream/tools/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createAdmin,
  createBatchConsumer,
  createProducer,
  createRangeReader,
  type Admin,
  type BatchConsumer,
  type Producer,
  type RangeReader,
} from '../../../src/client/index.js';
import { logger, record } from '../../client/_util.js';

const TOPIC = 'rides';
const PARTITIONS = 12;
/**
 * Kafka elects new leaders for the partitions of a broker after 9 s without a heartbeat
 * (`broker.session.timeout.ms`).
 */
const OTHERS_LEAD_WITHIN = { timeoutMs: 60_000 };

let kafka: RunningKafka;
let admin: Admin;
let producer: Producer;
let consumer: BatchConsumer;
let reader: RangeReader;
const seen = new Set<string>();

beforeAll(async () => {
  kafka = await startKafka({ brokers: 3 });
  const connection = { brokers: kafka.addresses, clientId: 'test' };
  admin = createAdmin({ connection, logger });
  await admin.ensureTopics([{ name: TOPIC, partitions: PARTITIONS }]);
  producer = createProducer({ connection, logger, deliveryTimeoutMs: 3_000 });
  consumer = createBatchConsumer({
    connection,
    logger,
    groupId: 'readers',
    topics: [TOPIC],
    offsets: { kind: 'everything-since', timestampMs: 0 },
    startTimeoutMs: 60_000,
    handler: async ({ records }) => {
      for (const { value } of records) seen.add(String(value));
      await Promise.resolve();
    },
  });
  await consumer.start();
  reader = createRangeReader({ connection, logger, stallTimeoutMs: OTHERS_LEAD_WITHIN.timeoutMs });
});
afterAll(async () => {
  for (const client of [reader, consumer, producer, admin]) await client?.[Symbol.asyncDispose]();
  await kafka?.[Symbol.asyncDispose]();
});

/** The values of the topic, read without a group. */
async function valuesInRange(): Promise<Set<string>> {
  const values = new Set<string>();
  const ranges = [{ topic: TOPIC, from: 'earliest', to: 'latest' }] as const;
  for await (const { records } of await reader.readRange({ ranges, maxPartitionBytes: 1_000 })) {
    for (const { value } of records) values.add(String(value));
  }
  return values;
}

/**
 * Sends enough keys for every partition to receive some. Resolves after each record was acknowledged and read, by a
 * consumer and in a range.
 */
async function everyPartitionWorks(round: string): Promise<void> {
  const keys = Array.from({ length: 10 * PARTITIONS }, (_, n) => `${round}-${n}`);
  const partitions = new Set<number>();
  await Promise.all(
    keys.map((key) =>
      until(async () => {
        const [result] = await producer.send([record(TOPIC, key, key)]);
        if (result?.kind === 'appended') partitions.add(result.partition);
        return result?.kind === 'appended';
      }, OTHERS_LEAD_WITHIN),
    ),
  );
  expect(partitions.size).toBe(PARTITIONS);
  await until(() => keys.every((key) => seen.has(key)), OTHERS_LEAD_WITHIN);
  const ranged = await valuesInRange();
  expect(keys.filter((key) => !ranged.has(key))).toEqual([]);
}

describe('clients of a cluster of three brokers', () => {
  it.each([0, 1, 2])('write and read everything while broker %i is paused', async (broker) => {
    await everyPartitionWorks(`before ${broker}`);
    kafka.pause(broker);
    try {
      await everyPartitionWorks(`during ${broker}`);
      expect((await admin.offsets(TOPIC)).size).toBe(PARTITIONS);
    } finally {
      kafka.resume(broker);
    }
  });

  it.each([0, 1, 2])('write and read everything while broker %i is down', async (broker) => {
    await everyPartitionWorks(`before killing ${broker}`);
    await kafka.kill(broker);
    try {
      await everyPartitionWorks(`after killing ${broker}`);
      expect((await admin.offsets(TOPIC)).size).toBe(PARTITIONS);
    } finally {
      await kafka.restart(broker);
    }
  });
});
