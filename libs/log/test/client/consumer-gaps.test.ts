import { randomUUID } from 'node:crypto';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createAdmin,
  type ConsumerGap,
  type ConsumerOptions,
  type ConsumerPosition,
  type RecordBatch,
  type UndecodableBatch,
} from '../../src/client/index.js';
import { BATCH_HEADER_BYTES } from '../../src/protocol/record-batch.js';
import { appendTransaction, spoilBatch } from '../../src/testing.js';
import { append, Bench, logger, record } from './_util.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.start();
});
afterEach(() => bench[Symbol.asyncDispose]());

const NOT_LEADER_OR_FOLLOWER = 6;
const COORDINATOR_NOT_AVAILABLE = 15;
const UNKNOWN_MEMBER_ID = 25;
const EARLIEST = { kind: 'committed', startAt: 'earliest' } as const;
const values = ({ records }: RecordBatch) => records.map(({ value }) => String(value));

async function transaction(topic: string, outcome: 'abort' | 'commit', count = 3): Promise<void> {
  const values = Array.from({ length: count }, (_, n) => `${outcome} ${n}`);
  await appendTransaction(bench.broker, { topic, values, outcome });
}

async function deleteRecords(topic: string, offset: string): Promise<void> {
  const admin = bench.kafkajs().admin();
  await admin.connect();
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
  await admin.disconnect();
}

/** A consumer of one topic, and the reports it received. */
async function reading(topic: string, options: Partial<ConsumerOptions> = {}) {
  const received: {
    seen: string[];
    positions: ConsumerPosition[];
    gaps: ConsumerGap[];
    batches: UndecodableBatch[];
  } = {
    seen: [],
    positions: [],
    gaps: [],
    batches: [],
  };
  const consumer = bench.consumer({
    topics: [topic],
    offsets: EARLIEST,
    onPosition: (position) => void received.positions.push(position),
    onGap: (gap) => void received.gaps.push(gap),
    handler: async (batch) => void received.seen.push(...values(batch)),
    ...options,
  });
  await consumer.start();
  return { consumer, ...received };
}

describe('BatchConsumer and offsets without records', () => {
  it.each(['abort', 'commit'] as const)('reaches the end of a log that ends with an %s', async (outcome) => {
    const topic = await bench.topic(1);
    await append(bench.producer(), [record(topic, 'k', 'before')]);
    await transaction(topic, outcome);
    const groupId = `group-${randomUUID()}`;
    const { consumer, seen, positions } = await reading(topic, { groupId });
    const expected = outcome === 'abort' ? 1 : 4;
    await until(() => seen.length === expected && consumer.lagRecords() === 0n);
    await until(async () => (await bench.committed(groupId, topic))[0] === '5');
    // Offsets after the records are reported with them.
    expect(positions).toEqual([]);
    await transaction(topic, 'abort', 1);
    await until(() => positions.length > 0);
    expect(positions.at(-1)).toEqual({ topic, partition: 0, nextOffset: 7n });
    await until(async () => (await bench.committed(groupId, topic))[0] === '7');
    expect(consumer.lagRecords()).toBe(0n);
  });

  it('has no lag while a transaction is open, and continues after it has ended', async () => {
    const topic = await bench.topic(1);
    const producer = bench.kafkajs().producer({ transactionalId: randomUUID(), idempotent: true });
    await producer.connect();
    const open = await producer.transaction();
    await open.send({ topic, messages: [{ value: 'open' }] });
    await append(bench.producer(), [record(topic, 'k', 'behind')]);
    const { consumer, seen, gaps } = await reading(topic);
    expect(consumer.lagRecords()).toBe(0n);
    await open.abort();
    await producer.disconnect();
    await until(() => seen.length === 1);
    expect(seen).toEqual(['behind']);
    expect(gaps).toEqual([]);
  });

  it('calls in order, and repeats a failed call', async () => {
    const topic = await bench.topic(1);
    await transaction(topic, 'abort');
    const order: string[] = [];
    let calls = 0;
    await reading(topic, {
      retryBackoffMs: 1,
      onPosition: async ({ nextOffset }) => {
        calls += 1;
        if (calls < 3) throw Object.assign(new Error('down'), { retryable: true });
        order.push(`→ ${nextOffset}`);
      },
      handler: async (batch) => void order.push(...values(batch)),
    });
    await until(() => order.length === 1);
    await append(bench.producer(), [record(topic, 'k', 'after')]);
    await until(() => order.length === 2);
    expect(order).toEqual(['→ 4', 'after']);
  });

  it('stops with the reason if such a call fails permanently', async () => {
    const topic = await bench.topic(1);
    await transaction(topic, 'abort');
    const { consumer } = await reading(topic, {
      retryBackoffMs: 1,
      maxAttempts: 2,
      onPosition: () => Promise.reject(new Error('no such table')),
    });
    await expect(consumer.ended).rejects.toMatchObject({
      code: 'CONSUMER_CRASHED',
      message: expect.stringMatching(/no such table/),
    });
  });
});

describe('BatchConsumer and a batch that cannot be decoded', () => {
  let topic: string;
  beforeEach(async () => {
    topic = await bench.topic(1);
    const producer = bench.producer();
    for (const value of ['first', 'spoiled', 'last']) await append(producer, [record(topic, 'k', value)]);
    await spoilBatch(bench.broker, { topic, partition: 0, offset: 1n });
  });

  it('passes it to the callback and continues', async () => {
    const batches: UndecodableBatch[] = [];
    const errors: string[] = [];
    const log = pino({ level: 'error' }, { write: (line) => void errors.push(JSON.parse(line).msg) });
    const { seen, positions } = await reading(topic, {
      logger: log,
      onUndecodable: async (batch) => void batches.push(batch),
    });
    await until(() => seen.length === 2);
    expect(seen).toEqual(['first', 'last']);
    expect(batches).toMatchObject([
      { topic, partition: 0, baseOffset: 1n, lastOffset: 1n, reason: { code: 'MALFORMED' } },
    ]);
    expect(batches[0]?.bytes?.subarray(BATCH_HEADER_BYTES).every((byte) => byte === 0xff)).toBe(true);
    expect(errors).toEqual(['batch cannot be decoded']);
    expect(positions).toEqual([{ topic, partition: 0, nextOffset: 2n }]);
  });

  it('dead-letters it and continues', async () => {
    const deadLetterTopic = await bench.topic(1);
    const { seen } = await reading(topic, { deadLetterTopic });
    await until(() => seen.length === 2);
    const dead = await bench.read(deadLetterTopic);
    expect(dead).toHaveLength(1);
  });

  it('stops with the reason if there is neither a callback nor a dead-letter topic', async () => {
    const { consumer } = await reading(topic);
    await expect(consumer.ended).rejects.toMatchObject({
      code: 'CONSUMER_CRASHED',
      message: expect.stringMatching(/^cannot decode offsets 1 to 1 of .*, and no dead-letter topic is set/),
    });
  });
});

describe('BatchConsumer with a position that is not in the log', () => {
  it.each([
    ['the group committed', EARLIEST],
    ['the handler remembers', { kind: 'handler-owned', position: async () => 2n } as const],
  ])('reports how many offsets were deleted before they were read: %s', async (_, offsets) => {
    const topic = await bench.topic(1);
    const groupId = `group-${randomUUID()}`;
    await append(bench.producer(), [record(topic, 'k', '0'), record(topic, 'k', '1')]);
    const first = await reading(topic, { groupId });
    await until(async () => (await bench.committed(groupId, topic))[0] === '2');
    await first.consumer[Symbol.asyncDispose]();
    const later = ['2', '3', '4', '5'].map((value) => record(topic, 'k', value));
    await append(bench.producer(), later);
    await deleteRecords(topic, '4');
    const { seen, gaps, positions } = await reading(topic, { groupId, offsets });
    await until(() => seen.length === 2);
    expect(seen).toEqual(['4', '5']);
    expect(gaps).toEqual([{ topic, partition: 0, expected: 2n, found: 4n, cause: 'log-start' }]);
    expect(positions).toEqual([{ topic, partition: 0, nextOffset: 4n }]);
  });

  it.each([
    ['the group committed', EARLIEST],
    ['the handler remembers', { kind: 'handler-owned', position: async () => 3n } as const],
  ])('reports a recreated topic and reads it from its start: %s', async (_, offsets) => {
    const topic = await bench.topic(1);
    const groupId = `group-${randomUUID()}`;
    await append(
      bench.producer(),
      ['a', 'b', 'c'].map((value) => record(topic, 'k', value)),
    );
    const first = await reading(topic, { groupId });
    await until(async () => (await bench.committed(groupId, topic))[0] === '3');
    await first.consumer[Symbol.asyncDispose]();
    await bench.removeTopic(topic);
    await using admin = createAdmin({ connection: bench.connection, logger });
    await admin.ensureTopics([{ name: topic, partitions: 1 }]);
    // This broker deletes committed offsets with their topic; others may keep them.
    const outside = bench.kafkajs().admin();
    await outside.connect();
    await outside.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '3' }] });
    await outside.disconnect();
    await append(bench.producer(), [record(topic, 'k', 'new')]);
    const { seen, gaps, positions } = await reading(topic, { groupId, offsets });
    await until(() => seen.length === 1);
    expect(seen).toEqual(['new']);
    expect(gaps).toEqual([{ topic, partition: 0, expected: 3n, found: 0n, cause: 'log-end' }]);
    expect(positions).toEqual([]);
    if (offsets === EARLIEST) await until(async () => (await bench.committed(groupId, topic))[0] === '1');
  });

  it('reports offsets that are deleted while it is paused', async () => {
    const topic = await bench.topic(1);
    await append(bench.producer(), [record(topic, 'k', '0')]);
    const { consumer, seen, gaps, positions } = await reading(topic);
    await until(() => seen.length === 1);
    consumer.pause([{ topic, partition: 0 }]);
    await append(
      bench.producer(),
      ['1', '2', '3'].map((value) => record(topic, 'k', value)),
    );
    await deleteRecords(topic, '3');
    consumer.resume([{ topic, partition: 0 }]);
    await until(() => seen.length === 2);
    expect(seen).toEqual(['0', '3']);
    expect(gaps).toEqual([{ topic, partition: 0, expected: 1n, found: 3n, cause: 'log-start' }]);
    expect(positions).toEqual([{ topic, partition: 0, nextOffset: 3n }]);
  });

  it('reports a topic that is recreated while it reads', async () => {
    const topic = await bench.topic(1);
    await append(
      bench.producer(),
      ['a', 'b', 'c'].map((value) => record(topic, 'k', value)),
    );
    const { consumer, seen, gaps } = await reading(topic, {
      offsets: { kind: 'everything-since', timestampMs: 0 },
    });
    await until(() => seen.length === 3);
    await bench.removeTopic(topic);
    await using admin = createAdmin({ connection: bench.connection, logger });
    await admin.ensureTopics([{ name: topic, partitions: 1 }]);
    await append(bench.producer(), [record(topic, 'k', 'new')]);
    await until(() => seen.length === 4);
    expect(seen.at(-1)).toBe('new');
    expect(gaps).toEqual([{ topic, partition: 0, expected: 3n, found: 0n, cause: 'log-end' }]);
    await until(() => consumer.lagRecords() === 0n);
    expect(consumer.lag()).toEqual([{ topic, partition: 0, position: 1n, highWatermark: 1n, records: 0n }]);
  });
});

describe('BatchConsumer in a group whose topic is deleted and recreated', () => {
  it('reads all records of the new topic although it is longer than the position in the old one', async () => {
    const topic = await bench.topic(1);
    const records = (name: string, count: number) =>
      Array.from({ length: count }, (_, n) => record(topic, 'k', `${name}${n}`));
    await append(bench.producer(), records('old', 20));
    const groupId = `group-${randomUUID()}`;
    const { seen, gaps } = await reading(topic, { groupId });
    await until(async () => (await bench.committed(groupId, topic))[0] === '20');
    // Nothing is fetched meanwhile, so the consumer never sees the new topic shorter than its position.
    bench.broker.inject({ api: 'Fetch', errorCode: NOT_LEADER_OR_FOLLOWER, times: 1_000_000 });
    await bench.removeTopic(topic);
    await using admin = createAdmin({ connection: bench.connection, logger });
    await admin.ensureTopics([{ name: topic, partitions: 1, configs: {} }]);
    await append(bench.producer(), records('new', 50));
    bench.broker.clearFaults();
    const expected = records('new', 50).map(({ value }) => String(value));
    await until(() => expected.every((value) => seen.includes(value)), { timeoutMs: 20_000 });
    expect(gaps.at(-1)).toMatchObject({ topic, partition: 0, found: 0n, cause: 'log-end' });
  });

  it('reads all records also if the topic was recreated while the consumer could not join', async () => {
    const topic = await bench.topic(1);
    const records = (name: string, count: number) =>
      Array.from({ length: count }, (_, n) => record(topic, 'k', `${name}${n}`));
    await append(bench.producer(), records('old', 20));
    const groupId = `group-${randomUUID()}`;
    const { countingLogger, count } = countingFailures();
    const { seen, gaps } = await reading(topic, { groupId, logger: countingLogger });
    await until(async () => (await bench.committed(groupId, topic))[0] === '20');
    bench.broker.inject({ api: 'JoinGroup', errorCode: COORDINATOR_NOT_AVAILABLE, times: 1_000_000 });
    bench.broker.inject({ api: 'Fetch', errorCode: NOT_LEADER_OR_FOLLOWER, times: 1_000_000 });
    bench.broker.inject({ api: 'Heartbeat', errorCode: UNKNOWN_MEMBER_ID, times: 1_000_000 });
    await until(() => count() > 0, { timeoutMs: 20_000 });
    await bench.removeTopic(topic);
    await using admin = createAdmin({ connection: bench.connection, logger });
    await admin.ensureTopics([{ name: topic, partitions: 1, configs: {} }]);
    await append(bench.producer(), records('new', 50));
    // The backoff after six failures is longer than the interval at which the consumer checks for recreated topics.
    await until(() => count() > 6, { timeoutMs: 40_000 });
    bench.broker.clearFaults();
    await until(() => seen.includes('new49'), { timeoutMs: 20_000 });
    expect(seen.filter((value) => value.startsWith('new'))).toHaveLength(50);
    expect(gaps.at(-1)).toMatchObject({ topic, partition: 0, found: 0n, cause: 'log-end' });
  });
});

/** Counts the failed sessions of a consumer. */
function countingFailures() {
  let count = 0;
  const write = (line: string) => {
    if (line.includes('consumer session failed')) count += 1;
  };
  return { countingLogger: pino({ level: 'info' }, { write }), count: () => count };
}
