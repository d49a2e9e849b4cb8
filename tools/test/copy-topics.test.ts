import { randomUUID } from 'node:crypto';
import {
  createAdmin,
  createProducer,
  createRangeReader,
  headersOf,
  type LogRecord,
  type OutgoingRecord,
  type TopicSettings,
} from '@hailstream/log';
import {
  appendTransaction,
  deleteRecords,
  deleteTopic,
  spoilBatch,
  startTestBroker,
  type TestBroker,
} from '@hailstream/log/testing';
import { createLogger } from '@hailstream/service/logging';
import { until } from '@hailstream/service/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyTopics, type CopyOptions } from '../src/copy/copy-topics.js';
import { PartitionCopy } from '../src/copy/partition-copy.js';

const TIMEOUT_MS = 60_000;
const KEYS = 40;
const logger = createLogger({ name: 'test', level: 'silent' });

let source: TestBroker;
let target: TestBroker;
beforeEach(async () => {
  const settings = { 'log.cleaner.backoff.ms': '20' };
  [source, target] = await Promise.all([startTestBroker({ settings }), startTestBroker()]);
}, TIMEOUT_MS);
afterEach(async () => {
  await Promise.all([source.stop(), target.stop()]);
});

const connectionTo = ({ address }: TestBroker) => ({ brokers: [address], clientId: 'test' });
const copy = (topics: readonly string[], options: Partial<CopyOptions> = {}) =>
  copyTopics({ from: connectionTo(source), to: connectionTo(target), topics, logger, ...options });

async function createTopic(
  broker: TestBroker,
  partitions: number,
  { name = `test-${randomUUID()}`, configs = {} }: Partial<TopicSettings> = {},
): Promise<string> {
  await using admin = createAdmin({ connection: connectionTo(broker), logger });
  await admin.ensureTopics([{ name, partitions, configs }]);
  return name;
}

async function append(broker: TestBroker, records: readonly OutgoingRecord[]): Promise<void> {
  await using producer = createProducer({ connection: connectionTo(broker), logger });
  const results = await producer.send(records);
  expect(results.filter(({ kind }) => kind === 'failed')).toEqual([]);
}

async function fill(topic: string, count: number, first = 0): Promise<void> {
  await append(
    source,
    Array.from({ length: count }, (_, index) => ({
      topic,
      key: `k${index % KEYS}`,
      value: Buffer.from(`${first + index}`),
      headers: { number: `${index}` },
      timestampMs: 1_700_000_000_000 + index,
    })),
  );
}

/** The contents of a topic, by partition. */
async function contents(broker: TestBroker, topic: string): Promise<object[]> {
  await using reader = createRangeReader({ connection: connectionTo(broker), logger });
  const found: { partition: number; record: LogRecord }[] = [];
  const ranges = [{ topic, from: 'earliest', to: 'latest' }] as const;
  for await (const { partition, records } of await reader.readRange({ ranges })) {
    found.push(...records.map((record) => ({ partition, record })));
  }
  return found
    .toSorted((a, b) => a.partition - b.partition)
    .map(({ partition, record }) => {
      const { offset, key, value, timestampMs } = record;
      return { partition, offset, key, value, timestampMs, headers: headersOf(record) };
    });
}

describe(copyTopics, { timeout: TIMEOUT_MS }, () => {
  it('preserves keys, values, headers, timestamps, partitions and offsets', async () => {
    const topic = await createTopic(source, 4);
    await fill(topic, 1_000);
    const headers = ['a', 'b'].map((value) => ({ key: 'twice', value: Buffer.from(value) }));
    await append(source, [{ topic, key: null, value: null, headers, timestampMs: 5 }]);
    const copied = await copy([topic]);
    expect(copied.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
    for (const each of copied) expect(each.target).toEqual(each.source);
    expect(await contents(target, topic)).toEqual(await contents(source, topic));
  });

  it('preserves repeated headers and headers without a value, in order', async () => {
    const topic = await createTopic(source, 1);
    const headers = [
      { key: 'b', value: Buffer.from('1') },
      { key: 'constructor', value: null },
      { key: '2', value: Buffer.from('x') },
      { key: 'b', value: null },
    ];
    await append(source, [{ topic, key: 'k', value: Buffer.from('v'), headers }]);
    await copy([topic]);
    expect(await contents(target, topic)).toMatchObject([{ headers }]);
  });

  it('adds the records that the source has received since the last copy', async () => {
    const topic = await createTopic(source, 3);
    await fill(topic, 100);
    await copy([topic]);
    await fill(topic, 50);
    await copy([topic]);
    await copy([topic]);
    expect(await contents(target, topic)).toEqual(await contents(source, topic));
  });

  it('continues where it was stopped', async () => {
    const topic = await createTopic(source, 2);
    await fill(topic, 5_000);
    const stop = new AbortController();
    const progress: number[] = [];
    const onProgress = ({ done }: { readonly done: number }): void => {
      progress.push(done);
      stop.abort();
    };
    await expect(copy([topic], { signal: stop.signal, onProgress })).rejects.toThrow(/abort/i);
    expect(progress[0]).toBeLessThan(5_000);
    await copy([topic]);
    expect(await contents(target, topic)).toEqual(await contents(source, topic));
  });

  it('returns the change of the offsets if the source no longer has its first records', async () => {
    const topic = await createTopic(source, 1);
    await fill(topic, 10);
    await deleteRecords(source, { topic, offset: 4n });
    expect(await copy([topic])).toEqual([
      { topic, partition: 0, source: { from: 4n, to: 10n }, target: { from: 0n, to: 6n } },
    ]);
  });

  it('fails if the source deletes records before they are copied', async () => {
    const topic = await createTopic(source, 1);
    await fill(topic, 10);
    const bounds = { from: 0n, to: 10n };
    const planned = { topic, partition: 0, topicId: undefined, source: bounds, targetFrom: 0n, copied: 0n };
    await deleteRecords(source, { topic, offset: 4n });
    await using reader = createRangeReader({ connection: connectionTo(source), logger });
    await using producer = createProducer({ connection: connectionTo(target), logger });
    const { signal } = new AbortController();
    const running = new PartitionCopy(planned).run({ reader, producer, signal }, () => undefined);
    await expect(running).rejects.toMatchObject({ code: 'OFFSETS_MISSING' });
  });

  it('fails if the target has other partitions, or records that are not copies', async () => {
    const topic = await createTopic(source, 2);
    await fill(topic, 10);
    await createTopic(target, 3, { name: topic });
    await expect(copy([topic])).rejects.toMatchObject({
      code: 'PARTITIONS_DIFFER',
      message: `topic "${topic}" has 2 partitions in the source log and 3 in the target log: keys would move to other partitions`,
    });
    const other = await createTopic(source, 1);
    await createTopic(target, 1, { name: other });
    await append(target, [{ topic: other, key: 'k', value: Buffer.from('another') }]);
    await expect(copy([other])).rejects.toMatchObject({
      code: 'NOT_A_COPY',
      message: `partition 0 of topic "${other}" has 0 records in the source log and 1 in the target log: it is not a copy`,
    });
  });

  it('fails if another client writes to the target', async () => {
    const topic = await createTopic(source, 1);
    // Copied in many requests.
    const value = Buffer.alloc(1_024);
    for (let count = 0; count < 20_000; count += 2_000) {
      await append(
        source,
        Array.from({ length: 2_000 }, () => ({ topic, key: 'k', value })),
      );
    }
    let writing: Promise<void> | undefined;
    const onProgress = (): void => {
      writing ??= append(target, [{ topic, key: 'k', value: Buffer.from('another') }]);
    };
    await expect(copy([topic], { onProgress })).rejects.toMatchObject({ code: 'TARGET_CHANGED' });
    await writing;
  });

  it.each(['abort', 'commit'] as const)(
    'ends before the control record of a log that ends with: %s',
    async (outcome) => {
      const topic = await createTopic(source, 1);
      await fill(topic, 20);
      await appendTransaction(source, { topic, values: ['a', 'b'], outcome });
      const records = outcome === 'abort' ? 20n : 22n;
      const bounds = { from: 0n, to: records };
      const expected = [{ topic, partition: 0, source: bounds, target: bounds }];
      expect(await copy([topic])).toEqual(expected);
      expect(await copy([topic])).toEqual(expected);
      expect(await contents(target, topic)).toHaveLength(Number(records));
    },
  );

  it('fails at a record that follows a control record, because its offset would change', async () => {
    const topic = await createTopic(source, 1);
    await fill(topic, 5);
    await appendTransaction(source, { topic, values: ['a'], outcome: 'abort' });
    await fill(topic, 5);
    await expect(copy([topic])).rejects.toMatchObject({
      code: 'OFFSETS_NOT_KEPT',
      message: `partition 0 of topic "${topic}" has no record at offset 5: offsets cannot be kept`,
    });
  });

  it('fails at a compacted topic that has gaps', async () => {
    const configs = {
      'cleanup.policy': 'compact',
      'segment.bytes': '1024',
      'min.cleanable.dirty.ratio': '0',
    };
    const topic = await createTopic(source, 1, { configs });
    for (let first = 0; first < 60; first += 1) {
      await append(source, [{ topic, key: `k${first % 2}`, value: Buffer.alloc(60) }]);
    }
    await using reader = createRangeReader({ connection: connectionTo(source), logger });
    await until(async () => {
      let count = 0;
      const read = await reader.readRange({ ranges: [{ topic, from: 'earliest', to: 'latest' }] });
      for await (const { records } of read) count += records.length;
      return count < 60;
    });
    await expect(copy([topic])).rejects.toMatchObject({ code: 'OFFSETS_NOT_KEPT' });
  });

  it('fails if the topic of the source was created again since the last copy', async () => {
    const topic = await createTopic(source, 1);
    await fill(topic, 10);
    await copy([topic]);
    await deleteTopic(source, topic);
    await createTopic(source, 1, { name: topic });
    await fill(topic, 30, 1_000);
    await expect(copy([topic])).rejects.toMatchObject({
      code: 'NOT_A_COPY',
      message: `the last record of partition 0 of topic "${topic}" in the target log differs from the source: it is not a copy`,
    });
  });

  it('fails if a batch cannot be decoded', async () => {
    const topic = await createTopic(source, 1);
    for (let n = 0; n < 3; n += 1) await fill(topic, 1);
    await spoilBatch(source, { topic, partition: 0, offset: 1n });
    await expect(copy([topic])).rejects.toMatchObject({
      code: 'UNDECODABLE',
      message: expect.stringMatching(
        /^offsets 1 to 1 of partition 0 of topic .* cannot be decoded/,
      ) as string,
    });
  });
});
