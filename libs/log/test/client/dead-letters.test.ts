import { randomBytes } from 'node:crypto';
import { until } from '@hailstream/service/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createBatchConsumer,
  createDeadLetterQueue,
  headersOf,
  readDeadLetter,
  type LogHeader,
  type LogRecord,
  type RejectedRecord,
} from '../../src/client/index.js';
import { append, Bench, logger, record } from './_util.js';

/** Kafka's default maximum size of a batch, and the overhead of a batch with one record. */
const MAX_BATCH_BYTES = 1_048_588;

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterEach(() => bench.reset());
afterAll(() => bench[Symbol.asyncDispose]());

const header = (key: string, value: string | null): LogHeader => ({
  key,
  value: value === null ? null : Buffer.from(value),
});
const text = (letter: LogRecord, name: string) => letter.headers[name]?.toString();
const own = (letter: LogRecord) => headersOf(letter).filter(({ key }) => !key.startsWith('dead-letter-'));

/** All records of a topic, once it has this many. */
async function lettersOn(topic: string, count: number): Promise<LogRecord[]> {
  const letters: LogRecord[] = [];
  const reader = bench.consumer({
    topics: [topic],
    offsets: { kind: 'everything-since', timestampMs: 0 },
    handler: async ({ records }) => void letters.push(...records),
  });
  await reader.start();
  await until(() => letters.length >= count);
  return letters;
}

/**
 * Rejects every record of a topic except those with the value `fine`.
 * @returns the dead letters
 */
async function deadLettersOf(topic: string, count: number): Promise<LogRecord[]> {
  const deadLetterTopic = await bench.topic(1);
  const handled: string[] = [];
  const consumer = bench.consumer({
    topics: [topic],
    deadLetterTopic,
    maxAttempts: 1,
    retryBackoffMs: 1,
    offsets: { kind: 'committed', startAt: 'earliest' },
    handler: async ({ records }) => {
      for (const { key } of records) if (String(key) !== 'fine') throw new Error('ö'.repeat(5_000));
      handled.push(...records.map(({ key }) => String(key)));
    },
  });
  await consumer.start();
  await until(() => handled.length > 0);
  expect(handled).toEqual(['fine']);
  return lettersOn(deadLetterTopic, count);
}

describe('headers', () => {
  it.each<[string, readonly LogHeader[]]>([
    ['without a value', [header('none', null), header('empty', ''), header('x', '1')]],
    ['that repeat, one without a value', [header('dup', '1'), header('other', 'x'), header('dup', null)]],
    ['with names of object members', ['constructor', '__proto__', 'toString'].map((key) => header(key, key))],
    ['with names of numbers', [header('b', '1'), header('2', '2'), header('1', '3'), header('', '4')]],
    ['many', Array.from({ length: 2_000 }, (_, n) => header(`header-${n % 7}`, String(n)))],
  ])('%s are read as they were sent, and kept in a dead letter', async (_, headers) => {
    const topic = await bench.topic(1);
    const producer = bench.producer();
    await append(producer, [{ ...record(topic, 'bad', 'v'), headers }]);
    await append(producer, [record(topic, 'fine', 'v')]);
    const sent = await lettersOn(topic, 2);
    expect(headersOf(sent[0]!)).toEqual(headers);
    const [letter] = await deadLettersOf(topic, 1);
    expect(own(letter!)).toEqual(headers);
  });
});

describe('dead letters', () => {
  it('are written for records of the maximum size', async () => {
    const topic = await bench.topic(1);
    const producer = bench.kafkajs().producer();
    await producer.connect();
    const spare = [2_000, 700, 400, 200, 120, 90];
    for (const bytes of spare) {
      // Random bytes cannot be compressed.
      const value = randomBytes(MAX_BATCH_BYTES - bytes);
      await producer.send({ topic, messages: [{ key: 'bad', value, headers: { mine: 'x' } }] });
    }
    await producer.send({ topic, messages: [{ key: 'fine', value: 'v' }] });
    await producer.disconnect();
    const letters = await deadLettersOf(topic, spare.length);
    expect(letters.map((letter) => text(letter, 'dead-letter-offset'))).toEqual(
      spare.map((_, n) => String(n)),
    );
    const sizes = spare.map((bytes) => MAX_BATCH_BYTES - bytes);
    letters.forEach((letter, n) => {
      expect(letter.headers['mine']?.toString()).toBe('x');
      if (letter.value !== null) return expect(letter.value).toHaveLength(sizes[n]!);
      expect(text(letter, 'dead-letter-value-bytes')).toBe(String(sizes[n]));
      expect(text(letter, 'dead-letter-value-sha256')).toMatch(/^[0-9a-f]{64}$/);
    });
    // The first leaves room for all headers, the last for none.
    expect(letters.at(0)?.value).not.toBeNull();
    expect(text(letters.at(0)!, 'dead-letter-error')).toBe('ö'.repeat(500));
    expect(letters.at(-1)?.value).toBeNull();
  });

  it('are written for records whose headers and key leave no room', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer();
    const large = randomBytes(520_000);
    await append(producer, [
      {
        topic,
        key: large.toString('base64').slice(0, 525_000),
        value: Buffer.from('v'),
        headers: [{ key: 'large', value: large }],
      },
    ]);
    await append(producer, [record(topic, 'fine', 'v')]);
    const [letter] = await deadLettersOf(topic, 1);
    expect(text(letter!, 'dead-letter-offset')).toBe('0');
  });
});

describe('createDeadLetterQueue', () => {
  it('writes many records at once, each with its origin, and too large ones without their value', async () => {
    const [topic, deadLetterTopic] = [await bench.topic(1), await bench.topic(1)];
    const small = Array.from({ length: 1_200 }, (_, n) => record(topic, `k${n}`, `v${n}`));
    await append(bench.producer(), small);
    const records = await lettersOn(topic, small.length);
    const { offset, key, headers, timestampMs } = records[7]!;
    const large = { offset, key, value: randomBytes(MAX_BATCH_BYTES), headers, timestampMs };
    const reason = new TypeError('column is missing');
    await using queue = createDeadLetterQueue({
      connection: bench.connection,
      logger,
      topic: deadLetterTopic,
    });
    await queue.write(
      records.toSpliced(7, 1, large).map((one) => ({
        kind: 'record',
        topic,
        partition: 0,
        record: one,
        groupId: 'batch',
        attempts: 1,
        reason,
      })),
    );
    const letters = await lettersOn(deadLetterTopic, small.length);
    const origins = letters.map((letter) => readDeadLetter(letter));
    expect(new Set(origins.map((origin) => origin?.offset))).toEqual(
      new Set(records.map(({ offset }) => offset)),
    );
    expect(origins.filter((origin) => origin?.omittedValue)).toMatchObject([
      { offset: large.offset, omittedValue: { sizeBytes: MAX_BATCH_BYTES } },
    ]);
    expect(origins[0]).toMatchObject({
      topic,
      partition: 0,
      groupId: 'batch',
      attempts: 1,
      error: reason.message,
    });
  });

  it('waits for the topic, and stops when its signal is aborted', async () => {
    const topic = await bench.topic(1);
    await append(bench.producer(), [record(topic, 'k', 'v')]);
    const [one] = await lettersOn(topic, 1);
    await using queue = createDeadLetterQueue({ connection: bench.connection, logger, topic: 'not-created' });
    const stop = new AbortController();
    const write = queue.write(
      [
        {
          kind: 'record',
          topic,
          partition: 0,
          record: one!,
          groupId: 'g',
          attempts: 1,
          reason: new Error('bad'),
        },
      ],
      { signal: stop.signal },
    );
    stop.abort();
    await expect(write).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC', retryable: true });
  });
});

describe('onRejected', () => {
  const options = {
    offsets: { kind: 'everything-since', timestampMs: 0 },
    maxAttempts: 1,
    retryBackoffMs: 1,
  } as const;

  it('is called once for each bad record, by each consumer, and nothing is written', async () => {
    const topic = await bench.topic(1);
    await append(
      bench.producer(),
      ['a', 'bad', 'b', 'bad', 'c'].map((key) => record(topic, key, 'v')),
    );
    const readers = await Promise.all(
      [1, 2].map(async () => {
        const rejected: RejectedRecord[] = [];
        const handled: string[] = [];
        const consumer = bench.consumer({
          ...options,
          topics: [topic],
          onRejected: (one) => void rejected.push(one),
          handler: async ({ records }, { deadLetter }) => {
            if (records.length > 1) throw new Error('all of them');
            const key = String(records[0]?.key);
            if (key === 'bad' && records[0]?.offset === 1n) throw new Error('bad key');
            if (key === 'bad') return deadLetter(records[0]!, new Error('given up'));
            handled.push(key);
          },
        });
        await consumer.start();
        return { rejected, handled };
      }),
    );
    await until(() => readers.every(({ handled }) => handled.length === 3));
    for (const { rejected, handled } of readers) {
      expect(handled).toEqual(['a', 'b', 'c']);
      expect(
        rejected.map(({ record: { offset }, reason, attempts }) => [offset, reason.message, attempts]),
      ).toEqual([
        [1n, 'bad key', 2],
        [3n, 'given up', 1],
      ]);
    }
    expect(await bench.read(topic)).toHaveLength(5);
  });

  it('excludes a dead-letter topic', () => {
    expect(() =>
      createBatchConsumer({
        ...options,
        connection: bench.connection,
        logger,
        groupId: 'g',
        topics: ['t'],
        deadLetterTopic: 'd',
        onRejected: () => undefined,
        handler: async () => undefined,
      }),
    ).toThrow(expect.objectContaining({ code: 'REFUSED' }));
  });
});
