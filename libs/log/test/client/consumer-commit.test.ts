import { randomUUID } from 'node:crypto';
import { until } from '@hailstream/service/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConsumerPosition, OffsetPolicy } from '../../src/client/index.js';
import { append, Bench, record } from './_util.js';

const MANUAL: OffsetPolicy = { kind: 'committed', startAt: 'earliest', commit: 'manual' };

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});
afterEach(() => bench.reset());
afterAll(() => bench[Symbol.asyncDispose]());

describe('manual commits', () => {
  it('are the only ones, and the next member starts there', async () => {
    const topic = await bench.topic(1);
    const groupId = randomUUID();
    await append(
      bench.producer(),
      [0, 1, 2, 3].map((value) => record(topic, 'k', String(value))),
    );
    const seen: bigint[] = [];
    const consumer = bench.consumer({
      groupId,
      topics: [topic],
      offsets: MANUAL,
      handler: async ({ records }) => void seen.push(...records.map(({ offset }) => offset)),
    });
    await consumer.start();
    await until(() => seen.length === 4);
    expect(await bench.committed(groupId, topic)).toEqual({ 0: '0' });
    await consumer.commit({ topic, partition: 0, nextOffset: 3n });
    await consumer[Symbol.asyncDispose]();
    expect(await bench.committed(groupId, topic)).toEqual({ 0: '3' });

    const positions: ConsumerPosition[] = [];
    const next = bench.consumer({
      groupId,
      topics: [topic],
      offsets: MANUAL,
      handler: async () => undefined,
    });
    next.onPositioned((known) => positions.push(...known));
    await next.start();
    expect(positions).toEqual([{ topic, partition: 0, nextOffset: 3n }]);
  });

  it('are possible while all partitions are paused', async () => {
    const topic = await bench.topic(2);
    await append(bench.producer(), [record(topic, 'k', '0')]);
    let isCalled = false;
    const consumer = bench.consumer({
      topics: [topic],
      offsets: MANUAL,
      handler: async () => void (isCalled = true),
    });
    consumer.onAssignment((assigned) => consumer.pause(assigned));
    await consumer.start();
    expect(consumer.lagRecords()).toBe(1n);
    for (const partition of [0, 1]) {
      const nextOffset = consumer.lag().find((lag) => lag.partition === partition)!.highWatermark;
      await consumer.commit({ topic, partition, nextOffset });
    }
    expect(consumer.lagRecords()).toBe(0n);
    expect(isCalled).toBe(false);
  });

  it('are refused for a partition of another member, and without the policy', async () => {
    const topic = await bench.topic(2);
    const groupId = randomUUID();
    const options = { groupId, topics: [topic], offsets: MANUAL, handler: async () => undefined };
    const first = bench.consumer(options);
    const second = bench.consumer(options);
    await Promise.all([first.start(), second.start()]);
    await until(() => first.assignment().length === 1 && second.assignment().length === 1);
    const [own] = first.assignment();
    const [other] = second.assignment();
    await until(() => first.healthy && second.healthy);
    await first.commit({ ...own!, nextOffset: 0n });
    await expect(first.commit({ ...other!, nextOffset: 0n })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
    });
    const automatic = bench.consumer({
      ...options,
      groupId: randomUUID(),
      offsets: { kind: 'committed', startAt: 'earliest' },
    });
    await automatic.start();
    await expect(automatic.commit({ topic, partition: 0, nextOffset: 0n })).rejects.toMatchObject({
      code: 'REFUSED',
    });
  });
});
