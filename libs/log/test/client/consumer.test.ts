import { randomUUID } from 'node:crypto';
import { until } from '@hailstream/service/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createBatchConsumer,
  type LogRecord,
  type OffsetPolicy,
  type RecordBatch,
} from '../../src/client/index.js';
import { append, Bench, logger, record, silentServer } from './_util.js';

const FROM_START: OffsetPolicy = { kind: 'committed', startAt: 'earliest' };

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});
afterEach(() => bench.reset());
afterAll(() => bench[Symbol.asyncDispose]());

const text = ({ key, value }: LogRecord) => `${key}:${value}`;
const texts = ({ records }: RecordBatch) => records.map(text);
const numbered = (topic: string, count: number, key = 'k') =>
  Array.from({ length: count }, (_, n) => record(topic, key, String(n)));

/** A promise that the test settles. */
function gate(): { open: () => void; opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('BatchConsumer', () => {
  it('passes batches of one partition in order, with at most the requested size', async () => {
    const topic = await bench.topic(4);
    const keys = ['a', 'b', 'c', 'd', 'e'];
    await append(
      bench.producer(),
      keys.flatMap((key) => numbered(topic, 50, key)),
    );
    const batches: RecordBatch[] = [];
    const consumer = bench.consumer({
      topics: [topic],
      offsets: FROM_START,
      maxBatchRecords: 7,
      handler: async (batch) => void batches.push(batch),
    });
    await consumer.start();
    expect(consumer.assignment()).toHaveLength(4);
    await until(() => consumer.lagRecords() === 0n);
    const seen = batches.flatMap(texts);
    expect(seen).toHaveLength(250);
    for (const key of keys) {
      const values = seen.filter((line) => line.startsWith(`${key}:`));
      expect(values).toEqual(Array.from({ length: 50 }, (_, n) => `${key}:${n}`));
    }
    expect(Math.max(...batches.map(({ records }) => records.length))).toBe(7);
    for (const { records, nextOffset } of batches)
      expect(nextOffset).toBe((records.at(-1)?.offset ?? -1n) + 1n);
  });

  it('commits after each batch, not at the end of a fetch', async () => {
    const topic = await bench.topic(1);
    await append(bench.producer(), numbered(topic, 100));
    const groupId = `group-${randomUUID()}`;
    const third = gate();
    let handed = 0;
    const consumer = bench.consumer({
      groupId,
      topics: [topic],
      offsets: FROM_START,
      maxBatchRecords: 10,
      handler: async () => {
        handed += 1;
        if (handed === 3) await third.opened;
      },
    });
    await consumer.start();
    await until(() => handed === 3);
    expect(await bench.committed(groupId, topic)).toEqual({ 0: '20' });
    third.open();
    await until(async () => (await bench.committed(groupId, topic))[0] === '100');
  });

  it('continues at the committed offset after it was closed', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer();
    const options = { groupId: `group-${randomUUID()}`, topics: [topic], offsets: FROM_START };
    const seen: string[] = [];
    const handler = async (batch: RecordBatch) => void seen.push(...texts(batch));
    for (const key of ['a', 'b']) {
      await append(producer, numbered(topic, 10, key));
      const consumer = bench.consumer({ ...options, handler });
      await consumer.start();
      await until(() => seen.includes(`${key}:9`));
      await consumer[Symbol.asyncDispose]();
      await expect(consumer.ended).resolves.toBeUndefined();
    }
    expect(seen).toHaveLength(20);
  });

  it('completes and commits the current batch when it is closed', async () => {
    const topic = await bench.topic(1);
    await append(bench.producer(), numbered(topic, 10));
    const groupId = `group-${randomUUID()}`;
    const [handed, working] = [gate(), gate()];
    let isAborted = false;
    const consumer = bench.consumer({
      groupId,
      topics: [topic],
      offsets: FROM_START,
      maxBatchRecords: 5,
      handler: async (_, { signal }) => {
        signal.addEventListener('abort', () => {
          isAborted = true;
          setImmediate(working.open);
        });
        handed.open();
        await working.opened;
      },
    });
    await consumer.start();
    await handed.opened;
    await consumer[Symbol.asyncDispose]();
    expect(isAborted).toBe(true);
    expect(await bench.committed(groupId, topic)).toEqual({ 0: '5' });
  });

  it('starts a new group at the latest record if configured, and then skips nothing', async () => {
    const topic = await bench.topic(2);
    const producer = bench.producer();
    await append(producer, numbered(topic, 10, 'before'));
    const groupId = `group-${randomUUID()}`;
    const seen: string[] = [];
    const options = {
      groupId,
      topics: [topic],
      offsets: { kind: 'committed', startAt: 'latest' } as const,
      handler: async (batch: RecordBatch) => void seen.push(...texts(batch)),
    };
    const first = bench.consumer(options);
    await first.start();
    await first[Symbol.asyncDispose]();
    await append(producer, [record(topic, 'between', '1')]);
    const second = bench.consumer(options);
    await second.start();
    await until(() => seen.length === 1);
    expect(seen).toEqual(['between:1']);
  });

  it('passes no records of paused partitions, and continues with them when resumed', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer();
    const seen: string[] = [];
    const consumer = bench.consumer({
      topics: [topic],
      offsets: FROM_START,
      handler: async (batch) => void seen.push(...texts(batch)),
    });
    await consumer.start();
    await append(producer, [record(topic, 'k', '1')]);
    await until(() => seen.length === 1);
    consumer.pause(consumer.assignment());
    await append(producer, [record(topic, 'k', '2')]);
    await until(() => consumer.lagRecords() === 1n);
    expect(seen).toEqual(['k:1']);
    consumer.resume(consumer.assignment());
    await until(() => seen.length === 2);
  });

  it('handles no more partitions at the same time than the limit, which consumers can share', async () => {
    const topic = await bench.topic(4);
    await append(
      bench.producer(),
      [0, 1, 2, 3].flatMap((partition) => numbered(topic, 5).map((each) => ({ ...each, partition }))),
    );
    const waiting: (() => void)[] = [];
    const limit = {
      run: async <T>(task: () => Promise<T>): Promise<T> => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return task();
      },
    };
    const handled: RecordBatch[] = [];
    const options = {
      topics: [topic],
      offsets: FROM_START,
      limit,
      groupId: randomUUID(),
      handler: async (batch: RecordBatch) => void handled.push(batch),
    };
    const [one, other] = [bench.consumer(options), bench.consumer(options)];
    await Promise.all([one.start(), other.start()]);
    await until(() => waiting.length >= 4);
    expect(handled).toEqual([]);
    await until(() => {
      waiting.shift()?.();
      return one.lagRecords() + other.lagRecords() === 0n;
    });
    expect(new Set(handled.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2, 3]));
  });

  it('refuses to start twice, and after it was closed', async () => {
    const topic = await bench.topic(1);
    const consumer = bench.consumer({ topics: [topic], offsets: FROM_START, handler: async () => undefined });
    await consumer.start();
    await expect(consumer.start()).rejects.toMatchObject({ code: 'REFUSED' });
    await consumer[Symbol.asyncDispose]();
    await expect(consumer.start()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('BatchConsumer in a group', () => {
  it('shares the partitions, and takes over those of a leaving member', async () => {
    const topic = await bench.topic(6);
    const producer = bench.producer();
    const groupId = `group-${randomUUID()}`;
    const seen: string[] = [];
    const member = () =>
      bench.consumer({
        groupId,
        topics: [topic],
        offsets: FROM_START,
        sessionTimeoutMs: 6_000,
        handler: async (batch) => void seen.push(...texts(batch)),
      });
    const [first, second] = [member(), member()];
    const assignments: number[] = [];
    first.onAssignment((assigned) => assignments.push(assigned.length));
    await first.start();
    await second.start();
    await until(() => first.assignment().length === 3 && second.assignment().length === 3);
    const records = (from: number) =>
      Array.from({ length: 60 }, (_, n) => record(topic, `key-${n}`, String(from)));
    await append(producer, records(1));
    await until(() => new Set(seen).size === 60);
    await second[Symbol.asyncDispose]();
    await until(() => first.assignment().length === 6);
    await append(producer, records(2));
    await until(() => new Set(seen).size === 120);
    expect(assignments).toEqual([6, 3, 6]);
  });

  it('signals the handler when its partition is revoked, and the batch is redelivered', async () => {
    const topic = await bench.topic(2);
    await append(
      bench.producer(),
      Array.from({ length: 20 }, (_, n) => record(topic, `key-${n}`, '1')),
    );
    const groupId = `group-${randomUUID()}`;
    const seen: string[] = [];
    let stopped = 0;
    const options = { groupId, topics: [topic], offsets: FROM_START, sessionTimeoutMs: 6_000 };
    const handed = gate();
    const slow = bench.consumer({
      ...options,
      handler: (batch, { signal }) =>
        new Promise((resolve, reject) => {
          if (stopped > 0) {
            seen.push(...texts(batch));
            resolve();
            return;
          }
          signal.addEventListener('abort', () => {
            stopped += 1;
            reject(new Error('stopped early'));
          });
          handed.open();
        }),
    });
    await slow.start();
    await handed.opened;
    const other = bench.consumer({ ...options, handler: async (batch) => void seen.push(...texts(batch)) });
    await other.start();
    await until(() => new Set(seen).size === 20);
    expect(stopped).toBeGreaterThan(0);
    expect(seen).toHaveLength(20);
  });

  it('keeps its partitions while a handler takes longer than the session timeout', async () => {
    const topic = await bench.topic(1);
    await append(bench.producer(), numbered(topic, 1));
    const groupId = `group-${randomUUID()}`;
    const sessionTimeoutMs = 6_000;
    const started = performance.now();
    let handed = 0;
    const consumer = bench.consumer({
      groupId,
      topics: [topic],
      offsets: FROM_START,
      sessionTimeoutMs,
      handler: async () => {
        handed += 1;
        await until(() => performance.now() - started > 1.5 * sessionTimeoutMs);
      },
    });
    const assignments: unknown[] = [];
    consumer.onAssignment((assigned) => assignments.push(assigned));
    await consumer.start();
    await until(async () => (await bench.committed(groupId, topic))[0] === '1');
    expect(handed).toBe(1);
    expect(assignments).toHaveLength(1);
  });

  it.each(['fails', 'is paused'])(
    'keeps its partitions if it %s for longer than the session timeout',
    async (state) => {
      const topic = await bench.topic(1);
      await append(bench.producer(), numbered(topic, 1));
      const groupId = `group-${randomUUID()}`;
      const sessionTimeoutMs = 6_000;
      const started = performance.now();
      const isOver = () => performance.now() - started > 1.5 * sessionTimeoutMs;
      const consumer = bench.consumer({
        groupId,
        topics: [topic],
        offsets: FROM_START,
        sessionTimeoutMs,
        handler: async () => {
          if (!isOver()) throw Object.assign(new Error('unavailable'), { retryable: true });
        },
      });
      const assignments: unknown[] = [];
      consumer.onAssignment((assigned) => {
        assignments.push(assigned);
        if (state === 'is paused') consumer.pause(assigned);
      });
      await consumer.start();
      await until(isOver);
      consumer.resume(consumer.assignment());
      await until(async () => (await bench.committed(groupId, topic))[0] === '1');
      expect(assignments).toHaveLength(1);
    },
  );
});

describe('BatchConsumer without a broker', () => {
  it('fails to start within the timeout with a retryable error, and starts once a broker is available', async () => {
    await using own = await Bench.start();
    const topic = await own.topic(1);
    await append(own.producer(), numbered(topic, 1));
    await own.broker.kill();
    const seen: string[] = [];
    const consumer = own.consumer({
      topics: [topic],
      offsets: FROM_START,
      startTimeoutMs: 1_000,
      handler: async (batch) => void seen.push(...texts(batch)),
    });
    await expect(consumer.start()).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('no partitions assigned within 1000 ms') as string,
    });
    expect(consumer.healthy).toBe(false);
    await own.broker.restart();
    await until(async () => {
      await consumer.start().catch(() => undefined);
      return consumer.healthy;
    });
    await until(() => seen.length === 1);
  });

  it('fails to start within the timeout if the broker does not respond', async () => {
    await using silent = await silentServer();
    await using consumer = createBatchConsumer({
      connection: { brokers: [silent.address], clientId: 'test' },
      logger,
      groupId: 'lost',
      topics: ['any'],
      offsets: FROM_START,
      startTimeoutMs: 500,
      handler: async () => undefined,
    });
    await expect(consumer.start()).rejects.toMatchObject({ retryable: true });
  });

  it('names the missing topic', async () => {
    const consumer = bench.consumer({
      topics: ['not-there'],
      offsets: FROM_START,
      startTimeoutMs: 1_000,
      handler: async () => undefined,
    });
    await expect(consumer.start()).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC', retryable: true });
  });
});
