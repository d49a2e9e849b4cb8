import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import {
  createAdmin,
  type ConsumerGap,
  type RangeBatch,
  type UndecodableBatch,
} from '../../src/client/index.js';
import { spoilBatch } from '../../src/testing.js';
import { collect, drain, expectContiguous, RangeBench, valuesOf, whole } from './_ranges.js';
import { append, Bench, logger, record } from './_util.js';

const setup = new RangeBench();

describe('readRange, offsets that are missing', () => {
  it('fails if records were deleted before they were read', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 6);
    await setup.deleteRecords(topic, 4n);
    const range = { topic, partition: 0, from: 1n, to: 6n };
    await expect(collect(setup.openReader(), { ranges: [range] })).rejects.toMatchObject({
      code: 'OFFSETS_MISSING',
      message: expect.stringMatching(/^offsets 1 to 3 of partition 0 .* were deleted from the log$/),
    });
    const gaps: ConsumerGap[] = [];
    const onGap = (gap: ConsumerGap) => void gaps.push(gap);
    const batches = await collect(setup.openReader(), { ranges: [range], onGap });
    expect(valuesOf(batches)).toEqual(['4', '5']);
    expect(gaps).toEqual([{ topic, partition: 0, expected: 1n, found: 4n, cause: 'log-start' }]);
    const ended = await collect(setup.openReader(), { ranges: [{ ...range, to: 3n }], onGap });
    expect(ended).toEqual([]);
    expect(gaps[1]).toMatchObject({ expected: 1n, found: 3n });
  });

  it('reports the start of the log that moves while it is read', async () => {
    const topic = await setup.bench.topic(1);
    const values = await setup.appendOneByOne(topic, 40, { size: 100 });
    const gaps: ConsumerGap[] = [];
    const batches: RangeBatch[] = [];
    const read = await setup.openReader().readRange({
      ranges: whole(topic),
      maxPartitionBytes: 400,
      maxBufferedBytes: 400,
      onGap: (gap) => void gaps.push(gap),
    });
    for await (const batch of read) {
      if (batches.length === 0) await setup.deleteRecords(topic, 30n);
      batches.push(batch);
    }
    expect(gaps).toMatchObject([{ found: 30n, cause: 'log-start' }]);
    const before = Number(gaps[0]?.expected);
    expect(before).toBeLessThan(10);
    expect(valuesOf(batches)).toEqual([...values.slice(0, before), ...values.slice(30)]);
    expect(read.progress).toEqual({ done: 40n, total: 40n });
  });

  it('accepts missing offsets of a compacted topic', async () => {
    await using compacting = await Bench.start({ settings: { 'log.cleaner.backoff.ms': '20' } });
    const topic = await compacting.topic(1, {
      'cleanup.policy': 'compact',
      'segment.bytes': '1024',
      'min.cleanable.dirty.ratio': '0',
    });
    const producer = compacting.producer({ lingerMs: 0 });
    for (let index = 0; index < 100; index += 1) {
      await append(producer, [record(topic, `k${index % 3}`, `${index}`.padStart(60, '0'))]);
    }
    const reader = setup.openReader({ connection: compacting.connection });
    let batches: RangeBatch[] = [];
    await until(async () => {
      batches = await collect(reader, { ranges: whole(topic), maxPartitionBytes: 500 });
      return valuesOf(batches).length < 30;
    });
    expectContiguous(batches, { from: 0n, to: 100n });
    expect(valuesOf(batches).slice(-3).map(Number)).toEqual([97, 98, 99]);
    const part = await collect(reader, { ranges: [{ topic, from: 1n, to: 50n }] });
    expectContiguous(part, { from: 1n, to: 50n });
  });

  it('fails if the log ends before the range', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 3);
    const truncated = { code: 'LOG_TRUNCATED', retryable: false };
    const reader = setup.openReader();
    await Promise.all([
      expect(collect(reader, { ranges: [{ topic, from: 0n, to: 5n }] })).rejects.toMatchObject(truncated),
      expect(collect(reader, { ranges: [{ topic, from: 4n, to: 5n }] })).rejects.toMatchObject(truncated),
      expect(collect(reader, { ranges: [{ topic, from: 4n, to: 'latest' }] })).rejects.toMatchObject(
        truncated,
      ),
    ]);
  });

  it('fails if a batch cannot be decoded, or reports it and continues', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 3);
    await spoilBatch(setup.bench.broker, { topic, partition: 0, offset: 1n });
    await expect(collect(setup.openReader(), { ranges: whole(topic) })).rejects.toMatchObject({
      code: 'UNDECODABLE',
      message: expect.stringMatching(/^offsets 1 to 1 of partition 0 .* cannot be decoded/),
      cause: { name: 'UndecodableBatchError' },
    });
    const reported: UndecodableBatch[] = [];
    const batches = await collect(setup.openReader(), {
      ranges: whole(topic),
      onUndecodable: async (batch) => void reported.push(batch),
    });
    expect(valuesOf(batches)).toEqual(['0', '2']);
    expect(reported).toMatchObject([{ topic, partition: 0, baseOffset: 1n, lastOffset: 1n }]);
  });

  it('fails with the error of a callback', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 3);
    await setup.deleteRecords(topic, 2n);
    const onGap = () => Promise.reject(new Error('callback failed'));
    const ranges = [{ topic, from: 0n, to: 3n }];
    await expect(collect(setup.openReader(), { ranges, onGap })).rejects.toThrow('callback failed');
  });
});

describe('readRange, topics that change', () => {
  it('fails if the topic is recreated while it is read', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 20, { size: 100 });
    const read = await setup.openReader().readRange({
      ranges: whole(topic),
      maxPartitionBytes: 300,
      maxBufferedBytes: 300,
    });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const batch of read) {
        if (seen.length === 0) {
          await setup.recreate(topic);
          await setup.appendOneByOne(topic, 30, { first: 1_000 });
        }
        seen.push(...valuesOf([batch]));
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'TOPIC_RECREATED', retryable: false });
    expect(seen.filter((value) => Number(value) >= 1_000)).toEqual([]);
  });

  it('reads only the topic with the given id', async () => {
    const topic = await setup.bench.topic(1);
    await using admin = createAdmin({ connection: setup.bench.connection, logger });
    const { topicId } = (await admin.identities([topic])).get(topic)!;
    const [range] = whole(topic);
    await collect(setup.openReader(), { ranges: [{ ...range!, topicId }] });
    await setup.recreate(topic);
    await expect(setup.openReader().readRange({ ranges: [{ ...range!, topicId }] })).rejects.toMatchObject({
      code: 'TOPIC_RECREATED',
    });
  });

  it('fails if the topic is deleted', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 1);
    const read = await setup.openReader().readRange({ ranges: whole(topic) });
    await setup.bench.removeTopic(topic);
    const unknown = { code: 'UNKNOWN_TOPIC', retryable: true };
    await Promise.all([
      expect(drain(read)).rejects.toMatchObject(unknown),
      expect(setup.openReader().readRange({ ranges: whole(topic) })).rejects.toMatchObject(unknown),
    ]);
  });
});
