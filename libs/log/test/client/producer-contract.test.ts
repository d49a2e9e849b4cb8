import type { KafkaMessage } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutgoingRecord } from '../../src/client/index.js';
import { append, Bench, failures, record } from './_util.js';

/** Bytes that are not UTF-8. */
const BINARY = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x80]);

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** The first `count` records of a topic as kafkajs's own consumer decodes them. */
async function readWithKafkajs(
  topic: string,
  count: number,
): Promise<(KafkaMessage & { partition: number })[]> {
  const consumer = bench.kafkajs().consumer({ groupId: `reader-${topic}` });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const found: (KafkaMessage & { partition: number })[] = [];
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          found.push({ ...message, partition });
          if (found.length === count) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return found;
}

/** Appends one record, and reads it with kafkajs's consumer. */
async function roundTrip(content: Omit<OutgoingRecord, 'topic'>, partitions = 1) {
  const topic = await bench.topic(partitions);
  await append(bench.producer(), [{ topic, ...content }]);
  const [found] = await readWithKafkajs(topic, 1);
  return found!;
}

describe("a record of createProducer, read by kafkajs's consumer", () => {
  it('has no key if the key is null', async () => {
    expect((await roundTrip({ key: null, value: 'v' })).key).toBeNull();
  });

  it('has an empty key if the key is empty', async () => {
    expect((await roundTrip({ key: '', value: 'v' })).key).toEqual(Buffer.alloc(0));
  });

  it('has the bytes of a key and value that are not UTF-8', async () => {
    expect(await roundTrip({ key: BINARY, value: BINARY })).toMatchObject({ key: BINARY, value: BINARY });
  });

  it('has the UTF-8 bytes of texts', async () => {
    const found = await roundTrip({ key: 'Zürich', value: 'größer' });
    expect([String(found.key), String(found.value)]).toEqual(['Zürich', 'größer']);
  });

  it('is a tombstone if the value is null', async () => {
    expect(await roundTrip({ key: 'k', value: null })).toMatchObject({ key: Buffer.from('k'), value: null });
  });

  it('has repeated headers and headers without a value', async () => {
    const { headers } = await roundTrip({
      key: 'k',
      value: 'v',
      headers: [
        { key: 'twice', value: 'a' },
        { key: 'none', value: null },
        { key: 'twice', value: BINARY },
      ],
    });
    expect(headers).toEqual({ twice: [Buffer.from('a'), BINARY], none: null });
  });

  it('has the headers of an object', async () => {
    const { headers } = await roundTrip({
      key: 'k',
      value: 'v',
      headers: { text: 'a', bytes: BINARY, none: null },
    });
    expect(headers).toEqual({ text: Buffer.from('a'), bytes: BINARY, none: null });
  });

  it('has the timestamp', async () => {
    expect((await roundTrip({ key: 'k', value: 'v', timestampMs: 86_400_000 })).timestamp).toBe('86400000');
  });

  it('is in the partition that was given, whatever its key', async () => {
    const topic = await bench.topic(4);
    const producer = bench.producer();
    const records = [0, 1, 2, 3].map((partition) => ({ ...record(topic, 'same', 'v'), partition }));
    await append(producer, records);
    const partitions = (await readWithKafkajs(topic, 4)).map(({ partition }) => partition);
    expect(partitions.toSorted()).toEqual([0, 1, 2, 3]);
  });

  it('is with others without a key in one partition, until that has 16 KiB', async () => {
    const topic = await bench.topic(6);
    const records = Array.from({ length: 64 }, () => ({ topic, key: null, value: Buffer.alloc(1_024) }));
    await append(bench.producer(), records);
    const counts = new Map<number, number>();
    for (const { partition } of await readWithKafkajs(topic, 64)) {
      counts.set(partition, (counts.get(partition) ?? 0) + 1);
    }
    expect([...counts.values()].every((count) => count % 16 === 0)).toBe(true);
  });
});

describe('Producer.send', () => {
  it('fails a record for a partition that the topic does not have, and appends the others', async () => {
    const topic = await bench.topic(2);
    const producer = bench.producer();
    await append(producer, [record(topic, 'k', 'first')]);
    const results = await producer.send([
      { ...record(topic, 'k', 'v'), partition: 2 },
      { ...record(topic, 'k', 'v'), partition: 1 },
    ]);
    expect(results).toMatchObject([
      { kind: 'failed', error: { code: 'UNKNOWN_TOPIC', retryable: true } },
      { kind: 'appended', partition: 1 },
    ]);
  });

  it('appends to a partition that was added to the topic after it was first used', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer();
    await append(producer, [record(topic, 'k', 'v')]);
    const admin = bench.kafkajs().admin();
    await admin.connect();
    await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
    await admin.disconnect();
    expect(await producer.send([{ ...record(topic, 'k', 'v'), partition: 1 }])).toMatchObject([
      { kind: 'appended', partition: 1 },
    ]);
  });

  it.each<[string, Partial<OutgoingRecord>]>([
    ['a negative partition', { partition: -1 }],
    ['a fractional partition', { partition: 0.5 }],
    ['a timestamp that is not a number', { timestampMs: Number.NaN }],
  ])('refuses %s, and appends the others', async (_, invalid) => {
    const topic = await bench.topic(1);
    const results = await bench
      .producer()
      .send([{ ...record(topic, 'k', 'v'), ...invalid }, record(topic, 'k', 'v')]);
    expect(failures(results)).toEqual([{ code: 'REFUSED', retryable: false }]);
    expect(results[1]?.kind).toBe('appended');
  });
});
