import { describe, expect, it } from 'vitest';
import { createAdmin, createRangeReader, type LogRange } from '../../src/client/index.js';
import { partitionName } from '../../src/protocol/topic-partition.js';
import { collect, drain, expectContiguous, RangeBench, valuesOf, whole } from './_ranges.js';
import { append, logger, record } from './_util.js';

const setup = new RangeBench();

describe('readRange, bounds', () => {
  it.each([
    ['offsets', { from: 3n, to: 7n }, [3, 7]],
    ['the whole partition', { from: 'earliest', to: 'latest' }, [0, 10]],
    ['timestamps', { from: { timestampMs: 1_002 }, to: { timestampMs: 1_006 } }, [2, 6]],
    ['a timestamp that is older than all records', { from: { timestampMs: 0 }, to: 'latest' }, [0, 10]],
    ['a timestamp that is newer than all records', { from: 8n, to: { timestampMs: 9_999 } }, [8, 10]],
    ['an empty range', { from: 5n, to: 5n }, [5, 5]],
    ['the end', { from: 'latest', to: 'latest' }, [10, 10]],
    ['an end that was looked up before the start', { from: 'latest', to: 4n }, [4, 4]],
  ] satisfies [string, Pick<LogRange, 'from' | 'to'>, [number, number]][])(
    'reads %s',
    async (_, bounds, [from, to]) => {
      const topic = await setup.bench.topic(1, { 'segment.bytes': '1024' });
      const values = await setup.appendOneByOne(topic, 10, { size: 300 });
      const read = await setup
        .openReader()
        .readRange({ ranges: [{ topic, ...bounds }], maxPartitionBytes: 500 });
      expect(read.ranges).toEqual([
        { topic, partition: 0, topicId: expect.any(String), from: BigInt(from), to: BigInt(to) },
      ]);
      const batches = await drain(read);
      expect(valuesOf(batches)).toEqual(values.slice(from, to));
      expectContiguous(batches, { from: BigInt(from), to: BigInt(to) });
      expect(read.progress).toEqual({ done: BigInt(to - from), total: BigInt(to - from) });
    },
  );

  it('returns parts of batches at both ends of the range, and at most maxBatchRecords at once', async () => {
    const topic = await setup.bench.topic(1);
    await append(
      setup.bench.producer(),
      Array.from({ length: 20 }, (_, index) => record(topic, 'k', `${index}`)),
    );
    const batches = await collect(setup.openReader(), {
      ranges: [{ topic, partition: 0, from: 4n, to: 17n }],
      maxBatchRecords: 5,
    });
    expect(valuesOf(batches)).toEqual(Array.from({ length: 13 }, (_, index) => `${4 + index}`));
    expect(batches.map(({ records }) => records.length)).toEqual([5, 5, 3]);
    expectContiguous(batches, { from: 4n, to: 17n });
  });

  it('reads several partitions and topics, each to the end that it had at the start', async () => {
    const topics = [await setup.bench.topic(3), await setup.bench.topic(2)];
    const producer = setup.bench.producer();
    const expected = new Map<string, string[]>();
    const fill = async (count: number): Promise<void> => {
      for (const topic of topics) {
        const records = Array.from({ length: count }, (_, index) => record(topic, `k${index}`, `${index}`));
        const results = await producer.send(records);
        for (const [index, result] of results.entries()) {
          if (result.kind === 'failed') throw result.error;
          const id = partitionName(topic, result.partition);
          expected.set(id, [...(expected.get(id) ?? []), String(records[index]!.value)]);
        }
      }
    };
    await fill(500);
    const before = new Map(expected);
    const read = await setup.openReader().readRange({
      ranges: topics.flatMap(whole),
      maxPartitionBytes: 2_000,
      maxBufferedBytes: 8_000,
    });
    await fill(100);
    const seen = new Map<string, string[]>();
    for await (const batch of read) {
      const id = partitionName(batch.topic, batch.partition);
      seen.set(id, [...(seen.get(id) ?? []), ...valuesOf([batch], batch.partition)]);
    }
    expect(seen).toEqual(before);
  });

  it('reads a batch that is larger than all limits', async () => {
    const topic = await setup.bench.topic(2);
    const big = 'x'.repeat(100_000);
    await append(
      setup.bench.producer(),
      ['a', 'b', 'c', 'd', 'e'].map((key) => record(topic, key, big)),
    );
    const batches = await collect(setup.openReader(), {
      ranges: whole(topic),
      maxPartitionBytes: 100,
      maxBufferedBytes: 100,
    });
    expect(batches.flatMap(({ records }) => records)).toHaveLength(5);
  });

  it('finds the topics of a cluster whose names have a prefix', async () => {
    await using admin = createAdmin({
      connection: { ...setup.bench.connection, topicPrefix: 'own.' },
      logger,
    });
    await admin.ensureTopics([{ name: 'rides', partitions: 1 }]);
    await setup.appendOneByOne('own.rides', 2);
    const reader = setup.openReader({ connection: { ...setup.bench.connection, topicPrefix: 'own.' } });
    expect(await collect(reader, { ranges: whole('rides') })).toMatchObject([
      { topic: 'rides', nextOffset: 2n },
    ]);
  });

  it.each([
    ['a range that ends before it starts', { from: 3n, to: 2n }, /starts at 3 and ends before, at 2/],
    ['a partition that the topic does not have', { partition: 7, from: 0n, to: 'latest' }, /no partition 7/],
  ] satisfies [string, Omit<LogRange, 'topic'>, RegExp][])('refuses %s', async (_, range, message) => {
    const topic = await setup.bench.topic(1);
    await expect(setup.openReader().readRange({ ranges: [{ topic, ...range }] })).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringMatching(message),
    });
  });

  it('rejects a partition that is requested twice', async () => {
    const topic = await setup.bench.topic(1);
    const ranges = [...whole(topic), ...whole(topic)];
    await expect(setup.openReader().readRange({ ranges })).rejects.toMatchObject({ code: 'REFUSED' });
  });

  it('opens one connection for many small reads at once', async () => {
    const topic = await setup.bench.topic(4);
    await append(
      setup.bench.producer(),
      Array.from({ length: 400 }, (_, index) => record(topic, `k${index}`, `${index}`)),
    );
    const before = await setup.metric('broker_connections');
    const reader = setup.openReader();
    const reads = Array.from({ length: 100 }, (_, index) =>
      collect(reader, { ranges: [{ topic, partition: index % 4, from: 5n, to: 10n }] }),
    );
    for (const batches of await Promise.all(reads)) {
      expect(batches.flatMap(({ records }) => records)).toHaveLength(5);
    }
    expect((await setup.metric('broker_connections')) - before).toBe(1);
  });
});

describe('readRange, failures and limits', () => {
  it('continues at its position after the broker was restarted', async () => {
    const topic = await setup.bench.topic(2);
    const producer = setup.bench.producer({ lingerMs: 0 });
    for (let first = 0; first < 400; first += 20) {
      await append(
        producer,
        Array.from({ length: 20 }, (_, index) => record(topic, `k${index}`, `${first + index}`)),
      );
    }
    const read = await setup.openReader().readRange({
      ranges: whole(topic),
      maxPartitionBytes: 500,
      maxBufferedBytes: 1_000,
    });
    let batches = 0;
    const seen: number[] = [];
    for await (const batch of read) {
      batches += 1;
      if (batches % 5 === 1) await setup.bench.broker.restart();
      seen.push(...valuesOf([batch], batch.partition).map(Number));
    }
    expect(batches).toBeGreaterThan(10);
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, index) => index));
  });

  it('fails with the last error if the broker stays down', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 3);
    const reader = setup.openReader({ stallTimeoutMs: 300 });
    const read = await reader.readRange({ ranges: whole(topic) });
    await setup.bench.broker.kill();
    const down = { name: 'LogError', retryable: true };
    await expect(drain(read)).rejects.toMatchObject(down);
    await expect(reader.readRange({ ranges: whole(topic) })).rejects.toMatchObject(down);
    await setup.bench.broker.restart();
    expect(valuesOf(await collect(reader, { ranges: whole(topic) }))).toEqual(['0', '1', '2']);
  });

  it('fails with the reason of the signal', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 20, { size: 100 });
    const stop = new AbortController();
    const reader = setup.openReader();
    const request = { ranges: whole(topic), maxPartitionBytes: 300, signal: stop.signal };
    let batches = 0;
    const reading = (async () => {
      for await (const _batch of await reader.readRange(request)) {
        batches += 1;
        stop.abort(new Error('enough'));
      }
    })();
    await expect(reading).rejects.toThrow('enough');
    expect(batches).toBe(1);
    await expect(reader.readRange(request)).rejects.toThrow('enough');
  });

  it('stops while it waits for records', async () => {
    const topic = await setup.bench.topic(1);
    const stop = new AbortController();
    await setup.appendOneByOne(topic, 1);
    const read = await setup
      .openReader()
      .readRange({ ranges: [{ topic, from: 0n, to: 2n }], signal: stop.signal });
    const iterator = read[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
  });

  it('fetches no more than the buffer holds while the loop is paused', async () => {
    const topic = await setup.bench.topic(4);
    const producer = setup.bench.producer();
    // A batch is returned whole, so none is larger than the buffer.
    for (let first = 0; first < 2_000; first += 200) {
      const indexes = Array.from({ length: 200 }, (_, index) => first + index);
      await append(
        producer,
        indexes.map((index) => record(topic, `k${index}`, 'x'.repeat(200))),
      );
    }
    const read = await setup.openReader().readRange({
      ranges: whole(topic),
      maxPartitionBytes: 5_000,
      maxBufferedBytes: 20_000,
      maxBatchRecords: 10,
    });
    const before = await setup.sentBytes(topic);
    let received = 0;
    let most = 0;
    for await (const { records } of read) {
      // Bytes that the broker sent and the loop has not received, which are in memory.
      received += records.reduce((sum, { value }) => sum + value!.length, 0);
      if (received % 40_000 < 2_000)
        most = Math.max(most, (await setup.sentBytes(topic)) - before - received);
    }
    expect(received).toBe(400_000);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(20_000 + 400_000 * 0.15);
  });

  it('fetches nothing after the loop has ended', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 50, { size: 100 });
    const reader = setup.openReader();
    for await (const _batch of await reader.readRange({
      ranges: whole(topic),
      maxPartitionBytes: 300,
      maxBufferedBytes: 300,
    })) {
      break;
    }
    const before = await setup.sentBytes(topic);
    // Another read on the same connection is answered after the pending requests of the first one.
    await collect(reader, { ranges: [{ topic, from: 0n, to: 1n }], maxPartitionBytes: 1 });
    expect((await setup.sentBytes(topic)) - before).toBeLessThan(700);
  });

  it('ends its reads when it is closed', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 1);
    const reader = createRangeReader({ connection: setup.bench.connection, logger });
    const read = await reader.readRange({ ranges: whole(topic) });
    await reader[Symbol.asyncDispose]();
    await expect(drain(read)).rejects.toMatchObject({ code: 'CLOSED' });
    await expect(reader.readRange({ ranges: whole(topic) })).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
