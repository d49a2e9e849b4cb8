import { randomUUID } from 'node:crypto';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAdmin, type LogRecord, type RecordBatch } from '../../src/client/index.js';
import { append, Bench, record } from './_util.js';

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});
afterEach(() => bench.reset());
afterAll(() => bench[Symbol.asyncDispose]());

const text = ({ key, value }: LogRecord) => `${key}:${value}`;
const texts = ({ records }: RecordBatch) => records.map(text);
const numbered = (topic: string, count: number) =>
  Array.from({ length: count }, (_, n) => record(topic, 'k', String(n)));

describe('BatchConsumer with a handler that stores the positions', () => {
  it("starts each partition at the handler's position and commits nothing", async () => {
    const topic = await bench.topic(2);
    const producer = bench.producer();
    await append(
      producer,
      Array.from({ length: 40 }, (_, n) => record(topic, `key-${n}`, String(n))),
    );
    const groupId = `group-${randomUUID()}`;
    const first = new Map<number, bigint | undefined>();
    const consumer = bench.consumer({
      groupId,
      topics: [topic],
      offsets: {
        kind: 'handler-owned',
        position: async (_, partition) => (partition === 1 ? 5n : undefined),
      },
      handler: async ({ partition, records }) => {
        if (!first.has(partition)) first.set(partition, records[0]?.offset);
      },
    });
    await consumer.start();
    await until(() => consumer.lagRecords() === 0n);
    expect(first).toEqual(
      new Map(
        [
          [0, 0n],
          [1, 5n],
        ].sort() as [number, bigint][],
      ),
    );
    expect(await bench.committed(groupId, topic)).toEqual({});
  });

  it.each([
    ['before the first record', 0n],
    ['after the last one', 1_000n],
  ])('starts at the earliest record if the position is %s', async (_, position) => {
    const topic = await bench.topic(1);
    const producer = bench.producer();
    await append(producer, numbered(topic, 10));
    const admin = bench.kafkajs().admin();
    await admin.connect();
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
    await admin.disconnect();
    const seen: string[] = [];
    const consumer = bench.consumer({
      topics: [topic],
      offsets: { kind: 'handler-owned', position: async () => position },
      handler: async (batch) => void seen.push(...texts(batch)),
    });
    await consumer.start();
    await until(() => seen.length === 6);
    expect(seen[0]).toBe('k:4');
  });

  it('waits for a position that cannot be read yet', async () => {
    const topic = await bench.topic(1);
    await append(bench.producer(), numbered(topic, 3));
    let asked = 0;
    const seen: string[] = [];
    const consumer = bench.consumer({
      topics: [topic],
      maxAttempts: 1,
      offsets: {
        kind: 'handler-owned',
        position: async () => {
          asked += 1;
          if (asked < 3) throw Object.assign(new Error('database is unreachable'), { retryable: true });
          return 1n;
        },
      },
      handler: async (batch) => void seen.push(...texts(batch)),
    });
    await consumer.start();
    await until(() => seen.length === 2);
    expect(seen).toEqual(['k:1', 'k:2']);
  });

  it('stops if a position can never be read', async () => {
    const topic = await bench.topic(1);
    const consumer = bench.consumer({
      topics: [topic],
      maxAttempts: 2,
      offsets: { kind: 'handler-owned', position: () => Promise.reject(new Error('no such table')) },
      handler: async () => undefined,
    });
    await expect(consumer.start()).rejects.toMatchObject({ code: 'CONSUMER_CRASHED' });
    await expect(consumer.ended).rejects.toThrow('no such table');
  });
});

describe('BatchConsumer without a group, from a timestamp', () => {
  it('reads every partition, as do others with the same name, commits nothing and leaves no group', async () => {
    const topic = await bench.topic(3);
    const at = (key: string, timestampMs: number) => ({
      ...record(topic, key, String(timestampMs)),
      timestampMs,
    });
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    const records = [1_000, 2_000, 3_000].flatMap((time) => keys.map((key) => at(key, time)));
    await append(bench.producer(), records);
    const groupId = `city-${randomUUID()}`;
    const readers = [1, 2].map(() => {
      const seen: string[] = [];
      const consumer = bench.consumer({
        groupId,
        topics: [topic],
        offsets: { kind: 'everything-since', timestampMs: 2_000 },
        handler: async (batch) => void seen.push(...texts(batch)),
      });
      return { seen, consumer };
    });
    await Promise.all(readers.map(({ consumer }) => consumer.start()));
    for (const { seen, consumer } of readers) {
      expect(consumer.assignment()).toHaveLength(3);
      await until(() => consumer.lagRecords() === 0n);
      expect(seen).toHaveLength(12);
      expect(seen.filter((line) => line.endsWith(':1000'))).toEqual([]);
    }
    expect((await bench.groups()).filter((group) => group.startsWith(groupId))).toHaveLength(2);
    for (const { consumer } of readers) await consumer[Symbol.asyncDispose]();
    expect((await bench.groups()).filter((group) => group.startsWith(groupId))).toEqual([]);
  });

  it('continues immediately after a failure without leaving: nothing waits for the former member', async () => {
    const topic = await bench.topic(2);
    const producer = bench.producer();
    const seen: string[] = [];
    const consumer = bench.consumer({
      topics: [topic],
      offsets: { kind: 'everything-since', timestampMs: 0 },
      // Longer than the test. A group would wait this long for the failed member.
      sessionTimeoutMs: 600_000,
      handler: async (batch) => void seen.push(...texts(batch)),
    });
    await consumer.start();
    await append(producer, [record(topic, 'abc', 'before')]);
    await until(() => seen.length === 1);
    let joins = 0;
    consumer.onAssignment(() => void (joins += 1));
    bench.broker.inject({ api: 'LeaveGroup', dropConnection: true, times: 1_000 });
    bench.broker.inject({ api: 'Fetch', errorCode: -1, times: 20 });
    await until(() => joins > 0);
    await append(producer, [record(topic, 'abc', 'after')]);
    await until(() => seen.length > 1);
    expect(seen).toEqual(['abc:before', 'abc:after']);
  });
});

describe('BatchConsumer without a group, from known positions', () => {
  it('continues at the positions and reads the other partitions from the timestamp', async () => {
    const topic = await bench.topic(3);
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    await append(
      bench.producer(),
      keys.map((key) => record(topic, key, 'x')),
    );
    await using admin = createAdmin({ connection: bench.connection, logger: pino({ level: 'silent' }) });
    const ends = await admin.offsets(topic);
    const partitions: number[] = [];
    const consumer = bench.consumer({
      topics: [topic],
      offsets: {
        kind: 'everything-since',
        timestampMs: 0,
        position: (_, partition) => (partition === 0 ? undefined : ends.get(partition)?.latest),
      },
      handler: async ({ partition, records }) => void partitions.push(...records.map(() => partition)),
    });
    await consumer.start();
    await until(() => consumer.lag().length === 3 && consumer.lagRecords() === 0n);
    expect(BigInt(partitions.length)).toBe(ends.get(0)?.latest);
    expect(partitions.every((partition) => partition === 0)).toBe(true);
  });
});
