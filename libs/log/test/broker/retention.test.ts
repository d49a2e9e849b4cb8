import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';

const PRODUCE = 0;
const FETCH = 1;
const LIST_OFFSETS = 2;
const CREATE_TOPICS = 19;
const DELETE_RECORDS = 21;
const ALTER_CONFIGS = 33;
const TOPIC = 'rides';
const LATEST = -1n;
const EARLIEST = -2n;
const HIGH_WATERMARK = -1n;
const RECORD_BYTES = 500;
const OFFSET_OUT_OF_RANGE = 1;

/** A broker that checks retention continuously. */
function startBroker(settings: Record<string, string> = {}): Promise<TestBroker> {
  return startTestBroker({ settings: { 'log.retention.check.interval.ms': '20', ...settings } });
}

async function createTopic(client: RawClient, settings: Record<string, string>): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const topic = { name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs };
  const { topics } = await client.call<{ topics: { errorCode: number }[] }>(CREATE_TOPICS, 4, {
    topics: [topic],
    timeoutMs: 1000,
    validateOnly: false,
  });
  expect(topics[0]?.errorCode).toBe(0);
}

async function setTopic(client: RawClient, settings: Record<string, string>): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const { responses } = await client.call<{ responses: { errorCode: number }[] }>(ALTER_CONFIGS, 1, {
    resources: [{ resourceType: 2, resourceName: TOPIC, configs }],
    validateOnly: false,
  });
  expect(responses[0]?.errorCode).toBe(0);
}

async function append(client: RawClient, timestamps: readonly number[]): Promise<void> {
  for (const timestamp of timestamps) {
    const batch = makeRecordBatch([{ key: null, value: Buffer.alloc(RECORD_BYTES) }], BigInt(timestamp));
    await client.call(PRODUCE, 7, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topics: [{ name: TOPIC, partitions: [{ index: 0, records: [batch] }] }],
    });
  }
}

async function offsetAt(client: RawClient, timestamp: bigint): Promise<number> {
  const { topics } = await client.call<{ topics: { partitions: { offset: bigint }[] }[] }>(LIST_OFFSETS, 3, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp }] }],
  });
  return Number(topics[0]?.partitions[0]?.offset);
}

async function fetch(client: RawClient, offset: number) {
  const partition = {
    partition: 0,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(offset),
    logStartOffset: -1n,
    partitionMaxBytes: 1,
  };
  const { topics } = await client.call<{
    topics: { partitions: { errorCode: number; logStartOffset: bigint; records: Buffer[] | null }[] }[];
  }>(FETCH, 11, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic: TOPIC, partitions: [partition] }],
    forgottenTopics: [],
    rackId: '',
  });
  const [answer] = topics[0]?.partitions ?? [];
  return { errorCode: answer?.errorCode, bytes: Buffer.concat(answer?.records ?? []).length };
}

async function deleteBefore(client: RawClient, offset: bigint, name = TOPIC) {
  const { topics } = await client.call<{
    topics: { partitions: { lowWatermark: bigint; errorCode: number }[] }[];
  }>(DELETE_RECORDS, 1, {
    topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }],
    timeoutMs: 1000,
  });
  return topics[0]?.partitions[0];
}

const minutesAgo = (minutes: number) => Date.now() - minutes * 60_000;
const times = (count: number, timestamp: number) => Array.from({ length: count }, () => timestamp);

describe('retention', () => {
  it('deletes segments whose latest record is too old', async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.port);
    await createTopic(client, { 'retention.ms': '3600000', 'segment.bytes': '1024' });
    await append(client, [...times(6, minutesAgo(120)), ...times(2, minutesAgo(1))]);
    await until(async () => (await offsetAt(client, EARLIEST)) >= 6);
    expect(await offsetAt(client, EARLIEST)).toBe(6);
    expect(await fetch(client, 5)).toMatchObject({ errorCode: OFFSET_OUT_OF_RANGE });
    expect((await fetch(client, 6)).bytes).toBeGreaterThan(RECORD_BYTES);
  });

  it('deletes the last segment too, and reuses no offset after a crash', async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.port);
    await createTopic(client, { 'retention.ms': '3600000' });
    await append(client, times(3, minutesAgo(120)));
    await until(async () => (await offsetAt(client, EARLIEST)) === 3);
    expect(await offsetAt(client, LATEST)).toBe(3);
    await broker.restart();
    using after = await RawClient.connect(broker.port);
    await append(after, [minutesAgo(0)]);
    expect(await offsetAt(after, EARLIEST)).toBe(3);
    expect(await offsetAt(after, LATEST)).toBe(4);
  });

  it('loses no record that is appended during a deletion', async () => {
    await using broker = await startBroker({ 'log.retention.check.interval.ms': '1' });
    using client = await RawClient.connect(broker.port);
    await createTopic(client, { 'retention.ms': '3600000' });
    for (let round = 0; round < 20; round++) await append(client, [minutesAgo(120), minutesAgo(1)]);
    expect(await offsetAt(client, LATEST)).toBe(40);
    const start = await offsetAt(client, EARLIEST);
    for (let offset = start; offset < 40; offset++) {
      expect((await fetch(client, offset)).bytes).toBeGreaterThan(RECORD_BYTES);
    }
    expect(start).toBeLessThan(40);
  });

  it('keeps at least retention.bytes, and less than one segment more', async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.port);
    await createTopic(client, { 'retention.bytes': '3000', 'segment.bytes': '1024' });
    await append(client, times(20, minutesAgo(0)));
    // A batch with one such record has 573 bytes, so that each segment has one batch.
    await until(async () => (await offsetAt(client, EARLIEST)) >= 14);
    expect(await offsetAt(client, EARLIEST)).toBe(14);
    expect(await offsetAt(client, LATEST)).toBe(20);
  });

  it("uses the topic's setting instead of the broker's as soon as it is set", async () => {
    await using broker = await startBroker({ 'log.retention.hours': '1' });
    using client = await RawClient.connect(broker.port);
    await createTopic(client, { 'retention.ms': '-1', 'segment.bytes': '1024' });
    await append(client, times(6, minutesAgo(120)));
    expect(await offsetAt(client, EARLIEST)).toBe(0);
    await setTopic(client, { 'retention.ms': '3600000' });
    await until(async () => (await offsetAt(client, EARLIEST)) === 6);
  });
});

describe('DeleteRecords', () => {
  it('makes all records before an offset unreadable, also after a crash', async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.port);
    await createTopic(client, { 'segment.bytes': '1024' });
    await append(client, times(10, minutesAgo(0)));
    expect(await deleteBefore(client, 7n)).toMatchObject({ lowWatermark: 7n, errorCode: 0 });
    expect(await deleteBefore(client, 3n)).toMatchObject({ lowWatermark: 7n, errorCode: 0 });
    expect((await fetch(client, 6)).errorCode).toBe(OFFSET_OUT_OF_RANGE);
    expect((await fetch(client, 7)).bytes).toBeGreaterThan(RECORD_BYTES);
    await broker.restart();
    using after = await RawClient.connect(broker.port);
    expect(await offsetAt(after, EARLIEST)).toBe(7);
    expect(await offsetAt(after, LATEST)).toBe(10);
  });

  it('leaves the remaining records searchable by timestamp', async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.port);
    await createTopic(client, {});
    await append(
      client,
      [1000, 2000, 3000, 2000].map((ms) => minutesAgo(60) + ms),
    );
    await deleteBefore(client, 1n);
    expect(await offsetAt(client, 1n)).toBe(1);
    await deleteBefore(client, 3n);
    expect(await offsetAt(client, 1n)).toBe(3);
    expect(await offsetAt(client, BigInt(minutesAgo(0)))).toBe(-1);
  });

  it('may start inside a batch, whose remaining records are searchable by timestamp', async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.port);
    await createTopic(client, {});
    const value = Buffer.from('v');
    const records = [
      makeRecordBatch(
        [0, 1, 2].map(() => ({ key: null, value })),
        BigInt(minutesAgo(1)),
      ),
    ];
    await client.call(PRODUCE, 7, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topics: [{ name: TOPIC, partitions: [{ index: 0, records }] }],
    });
    await append(client, [minutesAgo(0)]);
    await deleteBefore(client, 2n);
    expect(await offsetAt(client, 1n)).toBe(2);
    await deleteBefore(client, 3n);
    expect(await offsetAt(client, 1n)).toBe(3);
  });

  it('accepts offsets up to the high watermark only', async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.port);
    await createTopic(client, {});
    await append(client, times(4, minutesAgo(0)));
    expect(await deleteBefore(client, 5n)).toMatchObject({ lowWatermark: -1n, errorCode: 1 });
    expect(await offsetAt(client, EARLIEST)).toBe(0);
    expect(await deleteBefore(client, HIGH_WATERMARK)).toMatchObject({ lowWatermark: 4n, errorCode: 0 });
    expect(await offsetAt(client, EARLIEST)).toBe(4);
    expect(await deleteBefore(client, 0n, 'no-such-topic')).toMatchObject({
      lowWatermark: -1n,
      errorCode: 3,
    });
  });

  it('is refused for a topic that is compacted only', async () => {
    await using broker = await startBroker();
    using client = await RawClient.connect(broker.port);
    await createTopic(client, { 'cleanup.policy': 'compact' });
    expect(await deleteBefore(client, HIGH_WATERMARK)).toMatchObject({ errorCode: 44 });
  });
});
