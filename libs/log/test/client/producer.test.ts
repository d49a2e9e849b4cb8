import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAdmin, createProducer } from '../../src/client/index.js';
import { append, Bench, countingLogger, failures, logger, record, silentServer } from './_util.js';

const NOT_ENOUGH_REPLICAS = 19;
const OUT_OF_ORDER_SEQUENCE_NUMBER = 45;
const ONE_HOUR_MS = 3_600_000;

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});
afterEach(() => bench.reset());
afterAll(() => bench[Symbol.asyncDispose]());

const numbered = (topic: string, count: number, keys = 7) =>
  Array.from({ length: count }, (_, n) => record(topic, `key-${n % keys}`, String(n)));

/** Of `key:value` lines with numeric values, those that follow a greater value of the same key, or are repeated. */
function outOfOrder(lines: readonly string[]): string[] {
  const last = new Map<string, number>();
  return lines.filter((line) => {
    const [key, value] = line.split(':') as [string, string];
    const isWrong = Number(value) <= (last.get(key) ?? -1);
    last.set(key, Number(value));
    return isWrong;
  });
}

describe('Producer', () => {
  it('returns the partition and offset of each record in the given order, and partitions keys as every Kafka client', async () => {
    const topic = await bench.topic(12);
    const producer = bench.producer();
    const records = ['a', 'abc', 'a', 'foobar'].map((key) => record(topic, key, 'value'));
    expect(await producer.send(records)).toEqual([
      { kind: 'appended', partition: 4, offset: 0n },
      { kind: 'appended', partition: 3, offset: 0n },
      { kind: 'appended', partition: 4, offset: 1n },
      { kind: 'appended', partition: 6, offset: 0n },
    ]);
    expect(producer.bufferedBytes).toBe(0);
  });

  it('preserves value, headers and timestamp', async () => {
    const topic = await bench.topic(1);
    const sent = { ...record(topic, 'k', 'v'), headers: { kind: 'test' }, timestampMs: 1_700_000_000_000 };
    await append(bench.producer(), [sent]);
    const seen: unknown[] = [];
    const consumer = bench.consumer({
      topics: [topic],
      offsets: { kind: 'committed', startAt: 'earliest' },
      handler: async ({ records }) => {
        for (const { offset, key, value, headers, timestampMs: at } of records) {
          seen.push({ offset, key, value, headers, timestampMs: at });
        }
      },
    });
    await consumer.start();
    await until(() => seen.length === 1);
    expect(seen).toEqual([
      {
        offset: 0n,
        key: Buffer.from('k'),
        value: Buffer.from('v'),
        headers: { kind: Buffer.from('test') },
        timestampMs: 1_700_000_000_000,
      },
    ]);
  });

  it('combines sends of one record into few requests', async () => {
    const topic = await bench.topic(3);
    const counting = countingLogger('produce request sent');
    const producer = bench.producer({ logger: counting.logger });
    await append(producer, [record(topic, 'warm', '0')]);
    const before = counting.count();
    const sends = numbered(topic, 2_000).map((one) => producer.send([one]));
    const results = (await Promise.all(sends)).flat();
    expect(failures(results)).toEqual([]);
    expect(counting.count() - before).toBeLessThan(20);
  });

  it('preserves the order of each key without duplicates across errors and lost responses', async () => {
    const topic = await bench.topic(3);
    const producer = bench.producer({ batchBytes: 400 });
    await append(producer, [record(topic, 'warm', '0')]);
    bench.broker.inject({ api: 'Produce', errorCode: NOT_ENOUGH_REPLICAS, times: 2 });
    bench.broker.inject({ api: 'Produce', dropAnswer: true });
    bench.broker.inject({ api: 'Produce', dropConnection: true });
    bench.broker.inject({ api: 'Produce', errorCode: NOT_ENOUGH_REPLICAS });
    const results = (await Promise.all(numbered(topic, 3_000).map((one) => producer.send([one])))).flat();
    expect(failures(results)).toEqual([]);
    const lines = await bench.read(topic);
    expect(lines).toHaveLength(3_001);
    expect(outOfOrder(lines)).toEqual([]);
  });

  it('recovers from a connection without responses, without a duplicate', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer();
    await append(producer, [record(topic, 'k', '0')]);
    bench.broker.inject({ api: 'Produce', delayMs: ONE_HOUR_MS });
    await append(producer, [record(topic, 'k', '1')]);
    await append(producer, [record(topic, 'k', '2')]);
    expect(await bench.read(topic)).toEqual(['k:0', 'k:1', 'k:2']);
  });

  it('fails with a retryable error within the delivery timeout if the log does not respond, and recovers', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer({ deliveryTimeoutMs: 1_000 });
    await append(producer, [record(topic, 'k', '0')]);
    bench.broker.inject({ api: 'Produce', delayMs: ONE_HOUR_MS, times: 1_000 });
    const results = await producer.send([record(topic, 'k', '1')]);
    expect(failures(results)).toEqual([{ code: 'TIMED_OUT', retryable: true }]);
    expect(producer.bufferedBytes).toBe(0);
    bench.broker.clearFaults();
    await until(async () => failures(await producer.send([record(topic, 'k', '2')])).length === 0);
    expect((await bench.read(topic)).at(-1)).toBe('k:2');
  });

  it('fails within the delivery timeout if the broker accepts connections and does not respond', async () => {
    await using silent = await silentServer();
    await using producer = createProducer({
      connection: { brokers: [silent.address], clientId: 'test' },
      logger,
      deliveryTimeoutMs: 500,
    });
    const results = await producer.send([record('any', 'k', 'v')]);
    expect(failures(results)).toEqual([{ code: 'TIMED_OUT', retryable: true }]);
  });

  it('fails batches in flight with a retryable error when its sequence is lost, and continues with a new producer id', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer();
    await append(producer, [record(topic, 'k', '0')]);
    bench.broker.inject({ api: 'Produce', errorCode: OUT_OF_ORDER_SEQUENCE_NUMBER });
    const results = await producer.send([record(topic, 'k', '1')]);
    expect(failures(results)).toEqual([{ code: 'UNAVAILABLE', retryable: true }]);
    await append(producer, [record(topic, 'k', '1'), record(topic, 'k', '2')]);
    expect(await bench.read(topic)).toEqual(['k:0', 'k:1', 'k:2']);
  });

  it('refuses a send that exceeds its buffer as a whole, and accepts it once there is room', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer({ bufferBytes: 1_000, deliveryTimeoutMs: 5_000 });
    await append(producer, [record(topic, 'k', '0')]);
    bench.broker.inject({ api: 'Produce', delayMs: 300 });
    const large = record(topic, 'k', 'x'.repeat(800));
    const first = producer.send([large]);
    await expect(producer.send([large])).rejects.toMatchObject({ code: 'BUFFER_FULL', retryable: true });
    expect(producer.bufferedBytes).toBe(801);
    expect(failures(await first)).toEqual([]);
    await append(producer, [large]);
    await expect(producer.send([large, large])).rejects.toMatchObject({ code: 'REFUSED', retryable: false });
  });

  it('fails only the record that is too large, and appends the others', async () => {
    const topic = await bench.topic(3, { 'max.message.bytes': '2000' });
    const producer = bench.producer();
    const records = numbered(topic, 300);
    records.splice(150, 0, record(topic, 'key-1', 'x'.repeat(3_000)));
    const results = await producer.send(records);
    expect(failures(results)).toEqual([{ code: 'RECORD_TOO_LARGE', retryable: false }]);
    expect(results[150]?.kind).toBe('failed');
    const lines = await bench.read(topic);
    expect(lines).toHaveLength(300);
    expect(outOfOrder(lines)).toEqual([]);
  });

  it('names the missing topic, and finds it once it was created', async () => {
    const producer = bench.producer();
    const admin = bench.kafkajs().admin();
    const topic = 'made-later';
    const results = await producer.send([record(topic, 'k', 'v')]);
    expect(results).toMatchObject([
      { error: { code: 'UNKNOWN_TOPIC', message: 'the log has no topic "made-later"' } },
    ]);
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    await admin.disconnect();
    await append(producer, [record(topic, 'k', 'v')]);
  });

  it('loses no record silently if a topic is recreated with fewer partitions', async () => {
    const topic = await bench.topic(8);
    const producer = bench.producer();
    await append(producer, numbered(topic, 50, 50));
    const admin = bench.kafkajs().admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topic] });
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
    await admin.disconnect();
    let left = numbered(topic, 50, 50);
    await until(async () => {
      const results = await producer.send(left);
      left = left.filter((_, index) => results[index]?.kind === 'failed');
      return left.length === 0;
    });
    expect([...new Set(await bench.read(topic))]).toHaveLength(50);
  });

  it('flushes before it closes, and refuses sends afterwards', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer({ lingerMs: ONE_HOUR_MS });
    const together = ['a', 'b'].map((key) => append(producer, [record(topic, key, 'v')]));
    await Promise.all(together); // From here on a record waits for others.
    const sent = producer.send([record(topic, 'k', 'v')]);
    await producer[Symbol.asyncDispose]();
    expect(failures(await sent)).toEqual([]);
    await expect(producer.send([record(topic, 'k', 'v')])).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('Producer and a deleted topic', () => {
  it('sends to other topics, also new ones, and to this one once it was recreated', async () => {
    const [gone, other] = [await bench.topic(1), await bench.topic(1)];
    const producer = bench.producer({ deliveryTimeoutMs: 20_000 });
    await append(producer, [record(gone, 'k', '1'), record(other, 'k', '1')]);
    await bench.removeTopic(gone);
    expect(failures(await producer.send([record(gone, 'k', '2')]))).toHaveLength(1);
    await append(producer, [record(other, 'k', '2')]);
    await append(producer, [record(await bench.topic(1), 'k', '3')]);
    await using admin = createAdmin({ connection: bench.connection, logger });
    await admin.ensureTopics([{ name: gone, partitions: 1 }]);
    await append(producer, [record(gone, 'k', '4')]);
    expect(await bench.read(gone)).toEqual(['k:4']);
  });
});

describe('Producer while the broker is down', () => {
  it('logs it at a limited rate, not for each record', async () => {
    const lines: string[] = [];
    const toLines = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
    const topic = await bench.topic(1);
    const producer = bench.producer({ logger: toLines, deliveryTimeoutMs: 300 });
    await producer.send([record(topic, 'k', 'known')]);
    bench.broker.inject({ api: 'Produce', delayMs: ONE_HOUR_MS, times: 1_000 });
    for (let n = 0; n < 20; n += 1) {
      expect(failures(await producer.send([record(topic, 'k', 'v')]))).toEqual([
        { code: 'TIMED_OUT', retryable: true },
      ]);
    }
    const occurrences = (what: string) => lines.filter((line) => line.includes(what)).length;
    expect(occurrences('records were not acknowledged in time')).toBeLessThan(5);
    expect(occurrences('request abandoned')).toBeLessThan(5);
    expect(occurrences('"level":50')).toBe(0);
  });

  it('fails sends with a retryable error, reports it in its health, and recovers', async () => {
    await using own = await Bench.start();
    const topic = await own.topic(1);
    const producer = own.producer({ deliveryTimeoutMs: 1_000 });
    await append(producer, [record(topic, 'k', '0')]);
    await own.broker.kill();
    const results = await producer.send([record(topic, 'k', '1')]);
    expect(failures(results)).toMatchObject([{ retryable: true }]);
    await until(() => !producer.healthy);
    await own.broker.restart();
    await until(() => producer.healthy);
    await append(producer, [record(topic, 'k', '2')]);
    expect((await own.read(topic)).at(-1)).toBe('k:2');
  });

  it('appends records that were sent before a restart within the delivery timeout once', async () => {
    await using own = await Bench.start();
    const topic = await own.topic(3);
    const producer = own.producer();
    await append(producer, numbered(topic, 100));
    const sends = numbered(topic, 1_000).map((one) => producer.send([{ ...one, key: `late-${one.key}` }]));
    await own.broker.restart();
    expect(failures((await Promise.all(sends)).flat())).toEqual([]);
    const lines = await own.read(topic);
    expect(lines).toHaveLength(1_100);
    expect(outOfOrder(lines)).toEqual([]);
  });
});
