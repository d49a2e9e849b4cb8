import { randomBytes } from 'node:crypto';
import { until } from '@hailstream/service/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { headersOf, type LogHeader, type LogRecord } from '../../src/client/index.js';
import { append, Bench, record } from './_util.js';

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
