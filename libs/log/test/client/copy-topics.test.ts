import { until } from '@hailstream/service/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  copyTopics,
  createAdmin,
  createProducer,
  headersOf,
  type LogRecord,
} from '../../src/client/index.js';
import { appendTransaction, spoilBatch } from '../../src/testing.js';
import { append, Bench, logger, record } from './_util.js';

const KEYS = 40;

let source: Bench;
let target: Bench;
beforeEach(async () => {
  [source, target] = await Promise.all([Bench.start(), Bench.start()]);
});
afterEach(async () => {
  await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
});

const copy = (topics: readonly string[], more: { signal?: AbortSignal; onProgress?: () => void } = {}) =>
  copyTopics({ from: source.connection, to: target.connection, topics, logger, ...more });

async function fill(topic: string, records: number): Promise<void> {
  await append(
    source.producer(),
    Array.from({ length: records }, (_, index) => ({
      ...record(topic, `k${index % KEYS}`, `${index}`),
      headers: { number: `${index}` },
      timestampMs: 1_700_000_000_000 + index,
    })),
  );
}

/** Everything that a log has of a topic, partition by partition. */
async function contents(bench: Bench, topic: string) {
  const consumer = bench.kafkajs().consumer({ groupId: 'contents', maxWaitTimeInMs: 50 });
  const ends = await (async () => {
    await using admin = createAdmin({ connection: bench.connection, logger });
    return await admin.offsets(topic);
  })();
  const expected = [...ends.values()].reduce((sum, end) => sum + Number(end.latest - end.earliest), 0);
  const found: {
    partition: number;
    offset: string;
    timestamp: string;
    key: string;
    value: string;
    headers: object;
  }[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          const { offset, timestamp } = message;
          const headers = JSON.parse(JSON.stringify(message.headers)) as object;
          found.push({
            partition,
            offset,
            timestamp,
            key: `${message.key}`,
            value: `${message.value}`,
            headers,
          });
          if (found.length === expected) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return found.toSorted((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
}

describe(copyTopics, () => {
  it('keeps keys, values, headers, timestamps, partitions and offsets', async () => {
    const topic = await source.topic(4);
    await fill(topic, 1_000);
    await append(source.producer(), [
      {
        topic,
        key: null,
        value: null,
        headers: ['a', 'b'].map((value) => ({ key: 'twice', value })),
        timestampMs: 5,
      },
    ]);
    const copied = await copy([topic]);
    expect(copied.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
    for (const { source: here, target: there } of copied) expect(there).toEqual(here);
    expect(await contents(target, topic)).toEqual(await contents(source, topic));
  });

  it('copies again what came since, and nothing twice', async () => {
    const topic = await source.topic(3);
    await fill(topic, 100);
    await copy([topic]);
    await fill(topic, 50);
    await copy([topic]);
    await copy([topic]);
    expect(await contents(target, topic)).toEqual(await contents(source, topic));
  });

  it('goes on where it was stopped', async () => {
    const topic = await source.topic(2);
    await fill(topic, 5_000);
    const stop = new AbortController();
    await expect(copy([topic], { signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow(
      /abort/i,
    );
    await copy([topic]);
    expect(await contents(target, topic)).toEqual(await contents(source, topic));
  });

  it('says how far offsets moved where the source no longer has its first records', async () => {
    const topic = await source.topic(1);
    await fill(topic, 10);
    const admin = source.kafkajs().admin();
    await admin.connect();
    // kafkajs deletes records of topics that it has looked up alone.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
    await admin.disconnect();
    expect(await copy([topic])).toEqual([
      { topic, partition: 0, source: { from: 4n, to: 10n }, target: { from: 0n, to: 6n } },
    ]);
  });

  it('refuses a target with other partitions, or with records that are not copies', async () => {
    const topic = await source.topic(2);
    await fill(topic, 10);
    await using admin = createAdmin({ connection: target.connection, logger });
    await admin.ensureTopics([{ name: topic, partitions: 3 }]);
    await expect(copy([topic])).rejects.toMatchObject({
      code: 'TOPIC_MISMATCH',
      message: `topic "${topic}" has 2 partitions here and 3 there: keys would move to others`,
    });
    const other = await source.topic(1);
    await admin.ensureTopics([{ name: other, partitions: 1 }]);
    await using producer = createProducer({ connection: target.connection, logger });
    await append(producer, [record(other, 'k', 'of somebody else')]);
    await expect(copy([other])).rejects.toMatchObject({
      code: 'TOPIC_MISMATCH',
      message: `partition 0 of topic "${other}" has 1 records there and 0 here: they are not copies`,
    });
  });

  it.each(['abort', 'commit'] as const)('ends at a log that ends with an %s', async (outcome) => {
    const topic = await source.topic(1);
    await fill(topic, 20);
    await appendTransaction(source.broker, { topic, values: ['a', 'b'], outcome });
    const records = outcome === 'abort' ? 20n : 22n;
    const expected = [
      { topic, partition: 0, source: { from: 0n, to: records }, target: { from: 0n, to: records } },
    ];
    expect(await copy([topic])).toEqual(expected);
    expect(await copy([topic])).toEqual(expected);
    expect(await target.read(topic)).toHaveLength(Number(records));
  });

  it('refuses records behind a marker: their offsets would be others', async () => {
    const topic = await source.topic(1);
    await fill(topic, 5);
    await appendTransaction(source.broker, { topic, values: ['a'], outcome: 'abort' });
    await fill(topic, 5);
    await expect(copy([topic])).rejects.toMatchObject({
      code: 'REFUSED',
      message: `partition 0 of topic "${topic}" has no record at offset 5: offsets could not be kept`,
    });
  });

  it('refuses to go on with a topic that was made again, however many records it has', async () => {
    const topic = await source.topic(1);
    await fill(topic, 10);
    await copy([topic]);
    await source.removeTopic(topic);
    await using admin = createAdmin({ connection: source.connection, logger });
    await admin.ensureTopics([{ name: topic, partitions: 1 }]);
    await append(
      source.producer(),
      Array.from({ length: 30 }, (_, n) => record(topic, 'other', String(n))),
    );
    await expect(copy([topic])).rejects.toMatchObject({
      code: 'TOPIC_MISMATCH',
      message: `the last record in partition 0 of topic "${topic}" there is not the one here: they are not copies`,
    });
  });

  it('refuses a batch that cannot be decoded', async () => {
    const topic = await source.topic(1);
    for (let n = 0; n < 3; n += 1) await fill(topic, 1);
    await spoilBatch(source.broker, { topic, partition: 0, offset: 1n });
    await expect(copy([topic])).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringMatching(/^offsets 1 to 1 of partition 0 of topic .* cannot be decoded/),
    });
  });

  it('keeps headers as they are', async () => {
    const topic = await source.topic(1);
    const headers = [
      { key: 'b', value: Buffer.from('1') },
      { key: 'constructor', value: null },
      { key: '2', value: Buffer.from('x') },
      { key: 'b', value: null },
    ];
    await append(source.producer(), [{ ...record(topic, 'k', 'v'), headers }]);
    await copy([topic]);
    const copied: LogRecord[] = [];
    const reader = target.consumer({
      topics: [topic],
      offsets: { kind: 'everything-since', timestampMs: 0 },
      handler: async ({ records }) => void copied.push(...records),
    });
    await reader.start();
    await until(() => copied.length === 1);
    expect(headersOf(copied[0]!)).toEqual(headers);
  });
});
