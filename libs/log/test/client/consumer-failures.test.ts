import { randomUUID } from 'node:crypto';
import { until } from '@hailstream/service/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  DEAD_LETTER_HEADERS,
  type BatchContext,
  type LogRecord,
  type OffsetPolicy,
  type RecordBatch,
} from '../../src/client/index.js';
import { append, Bench, countingLogger, record } from './_util.js';

const FROM_START: OffsetPolicy = { kind: 'committed', startAt: 'earliest' };
const ONE_HOUR_MS = 3_600_000;
const CORRUPT_MESSAGE = 2;
const NOT_ENOUGH_REPLICAS = 19;
const COORDINATOR_NOT_AVAILABLE = 15;
const ILLEGAL_GENERATION = 22;
const UNKNOWN_MEMBER_ID = 25;
const REBALANCE_IN_PROGRESS = 27;

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});
afterEach(() => bench.reset());
afterAll(() => bench[Symbol.asyncDispose]());

const text = ({ key, value }: LogRecord) => `${key}:${value}`;
const numbered = (topic: string, count: number, key = 'k') =>
  Array.from({ length: count }, (_, n) => record(topic, key, String(n)));
const retryable = (message: string) => Object.assign(new Error(message), { retryable: true });

interface Survival {
  /** The number of distinct records that were handled, of 30. */
  readonly read: number;
  readonly hasJoinedAgain: boolean;
}

/** Rejects batches with a bad record, and records what was handled and how often it was called. */
class Picky {
  readonly handled: string[] = [];
  readonly asked: string[][] = [];

  constructor(private readonly isBad: (line: string) => boolean) {}

  readonly handler = async ({ records }: RecordBatch): Promise<void> => {
    const lines = records.map(text);
    this.asked.push(lines);
    const bad = lines.find(this.isBad);
    if (bad !== undefined) throw new TypeError(`cannot handle ${bad}`);
    this.handled.push(...lines);
  };
}

describe('BatchConsumer with a record that cannot be handled', () => {
  it('retries the batch, then each record, and dead-letters the bad one with the reason', async () => {
    const [topic, deadLetterTopic] = [await bench.topic(1), await bench.topic(1)];
    const records = numbered(topic, 5).map((one) => ({ ...one, headers: { own: 'header' } }));
    await append(bench.producer(), records);
    const groupId = `group-${randomUUID()}`;
    const picky = new Picky((line) => line === 'k:2');
    const options = { groupId, topics: [topic], offsets: FROM_START, deadLetterTopic, maxAttempts: 3 };
    const consumer = bench.consumer({ ...options, retryBackoffMs: 1, handler: picky.handler });
    await consumer.start();
    await until(async () => (await bench.committed(groupId, topic))[0] === '5');

    expect(picky.handled).toEqual(['k:0', 'k:1', 'k:3', 'k:4']);
    const whole = ['k:0', 'k:1', 'k:2', 'k:3', 'k:4'];
    expect(picky.asked).toEqual([whole, whole, whole, ['k:0'], ['k:1'], ['k:2'], ['k:3'], ['k:4']]);
    const letters: LogRecord[] = [];
    const reader = bench.consumer({
      topics: [deadLetterTopic],
      offsets: FROM_START,
      handler: async (batch) => void letters.push(...batch.records),
    });
    await reader.start();
    await until(() => letters.length > 0);
    expect(letters.map(text)).toEqual(['k:2']);
    const headers = Object.entries(letters[0]?.headers ?? {}).map(([name, value]) => [name, String(value)]);
    expect(Object.fromEntries(headers)).toMatchObject({
      own: 'header',
      [DEAD_LETTER_HEADERS.topic]: topic,
      [DEAD_LETTER_HEADERS.partition]: '0',
      [DEAD_LETTER_HEADERS.offset]: '2',
      [DEAD_LETTER_HEADERS.group]: groupId,
      [DEAD_LETTER_HEADERS.attempts]: '4',
      [DEAD_LETTER_HEADERS.errorName]: 'TypeError',
      [DEAD_LETTER_HEADERS.error]: 'cannot handle k:2',
    });
  });

  it('continues with the other partitions while the bad one backs off', async () => {
    const topic = await bench.topic(2);
    const producer = bench.producer();
    // A key of partition 0 and a key of partition 1.
    await append(producer, [record(topic, 'foobar', 'bad')]);
    const picky = new Picky((line) => line.endsWith(':bad'));
    const options = { topics: [topic], offsets: FROM_START, deadLetterTopic: topic };
    const consumer = bench.consumer({ ...options, retryBackoffMs: ONE_HOUR_MS, handler: picky.handler });
    await consumer.start();
    await until(() => picky.asked.length === 1);
    await append(producer, numbered(topic, 10, 'abc'));
    await until(() => picky.handled.length === 10);
    expect(picky.asked.filter((lines) => lines.includes('foobar:bad'))).toHaveLength(1);
  });

  it('stops with CONSUMER_CRASHED if no dead-letter topic is set, and does not commit the record', async () => {
    const topic = await bench.topic(1);
    await append(bench.producer(), numbered(topic, 3));
    const groupId = `group-${randomUUID()}`;
    const picky = new Picky((line) => line === 'k:1');
    const options = { groupId, topics: [topic], offsets: FROM_START, maxAttempts: 2, retryBackoffMs: 1 };
    const consumer = bench.consumer({ ...options, handler: picky.handler });
    await consumer.start();
    await expect(consumer.ended).rejects.toMatchObject({
      code: 'CONSUMER_CRASHED',
      message: expect.stringContaining(`offset 1 of ${topic}/0`) as string,
    });
    expect(await bench.committed(groupId, topic)).toEqual({ 0: '1' });
    expect(consumer.healthy).toBe(false);
  });

  it('dead-letters once what the handler rejects', async () => {
    const [topic, deadLetterTopic] = [await bench.topic(1), await bench.topic(1)];
    await append(bench.producer(), numbered(topic, 3));
    let calls = 0;
    const handler = async ({ records }: RecordBatch, { deadLetter }: BatchContext) => {
      calls += 1;
      for (const one of records)
        if (text(one) === 'k:1') await deadLetter(one, new Error('rejected by the handler'));
      if (calls < 3) throw new Error('fails after that');
    };
    const groupId = `group-${randomUUID()}`;
    const options = { groupId, topics: [topic], offsets: FROM_START, deadLetterTopic, retryBackoffMs: 1 };
    await bench.consumer({ ...options, handler }).start();
    await until(async () => (await bench.committed(groupId, topic))[0] === '3');
    expect(calls).toBe(3);
    expect(await bench.read(deadLetterTopic)).toEqual(['k:1']);
  });

  it('does not continue if the handler ignores that a record could not be dead-lettered', async () => {
    const topic = await bench.topic(1);
    await append(bench.producer(), numbered(topic, 3));
    const consumer = bench.consumer({
      topics: [topic],
      offsets: FROM_START,
      handler: async ({ records }, { deadLetter }) => {
        for (const one of records) await deadLetter(one, new Error('bad')).catch(() => undefined);
      },
    });
    await consumer.start();
    await expect(consumer.ended).rejects.toMatchObject({ code: 'CONSUMER_CRASHED' });
  });

  it('drops nothing while the dead-letter topic is not writable', async () => {
    const [topic, deadLetterTopic] = [await bench.topic(1), await bench.topic(1)];
    await append(bench.producer(), numbered(topic, 5));
    bench.broker.inject({ api: 'Produce', errorCode: NOT_ENOUGH_REPLICAS, times: 10 });
    const groupId = `group-${randomUUID()}`;
    const picky = new Picky((line) => line === 'k:1' || line === 'k:3');
    const options = { groupId, topics: [topic], offsets: FROM_START, deadLetterTopic, maxAttempts: 1 };
    await bench.consumer({ ...options, handler: picky.handler }).start();
    await until(async () => (await bench.committed(groupId, topic))[0] === '5');
    expect(await bench.read(deadLetterTopic)).toEqual(['k:1', 'k:3']);
    expect(picky.handled).toEqual(['k:0', 'k:2', 'k:4']);
  });
});

describe('BatchConsumer with an unavailable dependency of its handler', () => {
  it('retries the batch until it succeeds, and dead-letters nothing', async () => {
    const [topic, deadLetterTopic] = [await bench.topic(1), await bench.topic(1)];
    await append(bench.producer(), numbered(topic, 5));
    const groupId = `group-${randomUUID()}`;
    let calls = 0;
    const options = { groupId, topics: [topic], offsets: FROM_START, deadLetterTopic, maxAttempts: 1 };
    const consumer = bench.consumer({
      ...options,
      retryBackoffMs: 1,
      handler: async () => {
        calls += 1;
        if (calls < 8) throw retryable('database is unreachable');
      },
    });
    await consumer.start();
    await until(async () => (await bench.committed(groupId, topic))[0] === '5');
    expect(calls).toBe(8);
    expect(await bench.read(deadLetterTopic)).toEqual([]);
  });
});

describe('BatchConsumer with connection failures', () => {
  /** Reads records sent before, during and after a failure, and expects a rejoin if the failure requires one. */
  async function survives(
    trouble: () => Promise<void> | void,
    { own = bench, joinsAgain = true }: { own?: Bench; joinsAgain?: boolean } = {},
  ): Promise<Survival> {
    const topic = await own.topic(2);
    const producer = own.producer({ deliveryTimeoutMs: 30_000 });
    const seen: string[] = [];
    const consumer = own.consumer({
      topics: [topic],
      offsets: FROM_START,
      sessionTimeoutMs: 6_000,
      handler: async ({ records }) => void seen.push(...records.map(text)),
    });
    let joins = 0;
    consumer.onAssignment(() => void (joins += 1));
    await consumer.start();
    await append(producer, numbered(topic, 10, 'abc'));
    await until(() => seen.length === 10);
    await trouble();
    await append(producer, numbered(topic, 10, 'foobar'));
    await until(() => new Set(seen).size === 20 && joins > (joinsAgain ? 1 : 0), { timeoutMs: 50_000 });
    await append(producer, numbered(topic, 10, 'later'));
    await until(() => new Set(seen).size === 30);
    await until(() => consumer.healthy);
    return { read: new Set(seen).size, hasJoinedAgain: joins > 1 };
  }

  it.each([
    ['a heartbeat returns REBALANCE_IN_PROGRESS', { api: 'Heartbeat', errorCode: REBALANCE_IN_PROGRESS }],
    ['a heartbeat returns UNKNOWN_MEMBER_ID', { api: 'Heartbeat', errorCode: UNKNOWN_MEMBER_ID }],
    ['a commit has an old generation', { api: 'OffsetCommit', errorCode: ILLEGAL_GENERATION }],
    ['a commit fails permanently', { api: 'OffsetCommit', errorCode: COORDINATOR_NOT_AVAILABLE, times: 20 }],
    ['several fetches fail', { api: 'Fetch', errorCode: -1, times: 20 }],
  ])('rejoins and continues if %s', async (_, fault) => {
    const survival = await survives(() => bench.broker.inject(fault));
    expect(survival).toEqual({ read: 30, hasJoinedAgain: true });
  });

  it.each([
    ['a commit fails sometimes', { api: 'OffsetCommit', errorCode: COORDINATOR_NOT_AVAILABLE, times: 2 }],
    ['the connection is closed during a fetch', { api: 'Fetch', dropConnection: true }],
    ['a fetch receives no response', { api: 'Fetch', delayMs: ONE_HOUR_MS }],
  ])('continues if %s', async (_, fault) => {
    const survival = await survives(() => bench.broker.inject(fault), { joinsAgain: false });
    expect(survival.read).toBe(30);
  });

  it('waits for its assignment as long as a dead member can delay the group', async () => {
    const { logger: counting, count } = countingLogger('"Request JoinGroup(');
    bench.broker.inject({ api: 'SyncGroup', delayMs: 7_000 });
    const consumer = bench.consumer({
      logger: counting,
      topics: [await bench.topic(2)],
      offsets: FROM_START,
      sessionTimeoutMs: 10_000,
      handler: async () => {},
    });
    await consumer.start();
    expect(consumer.assignment()).toHaveLength(2);
    // One request to get a member id and one to join with it. A member that gives up and joins again would be another
    // member that the group waits for.
    expect(count()).toBe(2);
  });

  it('continues although the coordinator is not available for a while, after which kafkajs stops permanently', async () => {
    const survival = await survives(() => {
      bench.broker.inject({ api: 'FindCoordinator', dropConnection: true, times: 4 });
      bench.broker.inject({ api: 'Heartbeat', errorCode: UNKNOWN_MEMBER_ID });
    });
    expect(survival).toEqual({ read: 30, hasJoinedAgain: true });
  });

  it('recovers from an outage of the broker, whatever error kafkajs reports', async () => {
    await using own = await Bench.start();
    const survival = await survives(
      async () => {
        await own.broker.kill();
        const downUntil = performance.now() + 8_000;
        await until(() => performance.now() > downUntil);
        await own.broker.restart();
      },
      { own },
    );
    expect(survival.read).toBe(30);
  });

  it('is healthy again only once it can read, however often it joins', async () => {
    const topic = await bench.topic(1);
    const seen: string[] = [];
    const handler = async ({ records }: RecordBatch) => void seen.push(...records.map(text));
    const consumer = bench.consumer({ topics: [topic], offsets: FROM_START, handler });
    await consumer.start();
    expect(consumer.healthy).toBe(true);
    bench.broker.inject({ api: 'Fetch', errorCode: CORRUPT_MESSAGE, times: Infinity });
    const healthy: boolean[] = [];
    consumer.onPositioned(() => void healthy.push(consumer.healthy));
    await until(() => healthy.length === 3);
    expect(healthy).toEqual([false, false, false]);
    bench.broker.clearFaults();
    await until(() => consumer.healthy);
    await append(bench.producer(), numbered(topic, 1));
    await until(() => seen.length === 1);
  });

  it('moves to the earliest record if retention deletes its position', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer();
    await append(producer, numbered(topic, 10));
    const seen: string[] = [];
    const consumer = bench.consumer({
      topics: [topic],
      offsets: { kind: 'handler-owned', position: async () => 0n },
      maxBatchRecords: 1,
      handler: async ({ records }) => {
        if (seen.length === 1) throw retryable('rest a moment');
        seen.push(...records.map(text));
      },
    });
    await consumer.start();
    await until(() => seen.length === 1);
    const admin = bench.kafkajs().admin();
    await admin.connect();
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '7' }] });
    await admin.disconnect();
    seen.push('gap');
    await until(() => seen.includes('k:9'));
    expect(seen).toEqual(['k:0', 'gap', 'k:7', 'k:8', 'k:9']);
  });
});
