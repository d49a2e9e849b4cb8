import { startTestBroker } from '../../src/testing.js';
import { createAdmin, createRangeReader, openTransactionalProducer } from '../../src/client/index.js';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';

const logger = pino({ level: 'silent' });
const TOPIC = 'copies';
const at = (offset: bigint) => ({ groupId: 'positions', topic: TOPIC, partition: 0, offset });

async function startWithTopic() {
  const broker = await startTestBroker();
  const connection = { brokers: [broker.address], clientId: 'test', topicPrefix: 'team.' };
  const admin = createAdmin({ connection, logger });
  await admin.ensureTopics([{ name: TOPIC, partitions: 2, configs: { 'max.message.bytes': '20000' } }]);
  const committed = async () => (await admin.committed('positions', TOPIC)).get(0);
  const values = async () => {
    await using reader = createRangeReader({ connection, logger });
    const found: string[] = [];
    const ranges = [{ topic: TOPIC, from: 'earliest', to: 'latest' }] as const;
    for await (const { records } of await reader.readRange({ ranges })) {
      found.push(...records.map(({ value }) => String(value)));
    }
    return found.toSorted();
  };
  const keys = async (topic: string) => {
    await using reader = createRangeReader({ connection, logger });
    const found: string[][] = [[], []];
    const ranges = [{ topic, from: 'earliest', to: 'latest' }] as const;
    for await (const { partition, records } of await reader.readRange({ ranges }))
      found[partition]!.push(...records.map(({ key }) => String(key)));
    return found;
  };
  return {
    broker,
    committed,
    values,
    keys,
    create: (topic: string) => admin.ensureTopics([{ name: topic, partitions: 2 }]),
    open: () =>
      openTransactionalProducer({ connection, logger, transactionalId: 'copy-0', timeoutMs: 10_000 }),
    async [Symbol.asyncDispose]() {
      await admin[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

describe(openTransactionalProducer, () => {
  it('appends records to several partitions together with an offset', async () => {
    await using cluster = await startWithTopic();
    using producer = await cluster.open();
    await producer.append(
      [
        { topic: TOPIC, key: null, value: 'a', partition: 0 },
        { topic: TOPIC, key: 'vehicle', value: 'b' },
        { topic: TOPIC, key: null, value: 'c', partition: 1 },
      ],
      at(3n),
    );
    await producer.append([], at(5n));
    expect(await cluster.values()).toEqual(['a', 'b', 'c']);
    expect(await cluster.committed()).toBe(5n);
  });

  it('has appended either everything or nothing when a request fails, and another producer continues', async () => {
    await using cluster = await startWithTopic();
    let position = 0n;
    for (const api of [
      'AddPartitionsToTxn',
      'Produce',
      'AddOffsetsToTxn',
      'TxnOffsetCommit',
      'EndTxn',
    ] as const) {
      using producer = await cluster.open();
      cluster.broker.inject({ api, dropAnswer: true, times: 20 });
      const records = [{ topic: TOPIC, key: null, value: api, partition: 0 }];
      await expect(producer.append(records, at(position + 1n))).rejects.toMatchObject({ retryable: true });
      cluster.broker.clearFaults();
      using next = await cluster.open();
      const isAppended = (await cluster.committed()) === position + 1n;
      expect((await cluster.values()).includes(api)).toBe(isAppended);
      expect(isAppended).toBe(api === 'EndTxn');
      if (!isAppended) await next.append(records, at(position + 1n));
      position += 1n;
    }
    expect(await cluster.values()).toEqual(
      ['AddOffsetsToTxn', 'AddPartitionsToTxn', 'EndTxn', 'Produce', 'TxnOffsetCommit'].toSorted(),
    );
  });

  it('has each record once and in order if the responses of some of its requests are lost', async () => {
    await using cluster = await startWithTopic();
    await cluster.create('large');
    using producer = await cluster.open();
    const count = 100;
    // Twelve requests of 512 KiB, with batches for both partitions.
    const records = Array.from({ length: count }, (_, index) => ({
      topic: 'large',
      key: String(index),
      value: Buffer.alloc(60_000, String(index)),
      partition: index % 2,
    }));
    cluster.broker.inject({ api: 'Produce', dropAnswer: true, times: 3 });
    await producer.append(records, at(1n));
    await producer.append(records, at(2n));
    const keys = await cluster.keys('large');
    const twice = (remainder: number) => {
      const once = records.map(({ key }) => key).filter((key) => Number(key) % 2 === remainder);
      return [...once, ...once];
    };
    expect(keys).toEqual([twice(0), twice(1)]);
    expect(await cluster.committed()).toBe(2n);
  });

  it('appends records without an offset', async () => {
    await using cluster = await startWithTopic();
    using producer = await cluster.open();
    await producer.append([{ topic: TOPIC, key: null, value: 'a', partition: 0 }]);
    expect(await cluster.values()).toEqual(['a']);
    expect(await cluster.committed()).toBeUndefined();
  });

  it('is fenced by another producer with the same id', async () => {
    await using cluster = await startWithTopic();
    using first = await cluster.open();
    await first.append([{ topic: TOPIC, key: null, value: 'first', partition: 0 }], at(1n));
    using second = await cluster.open();
    const append = first.append([{ topic: TOPIC, key: null, value: 'late', partition: 0 }], at(2n));
    await expect(append).rejects.toMatchObject({ code: 'FENCED', retryable: false });
    await second.append([{ topic: TOPIC, key: null, value: 'second', partition: 0 }], at(2n));
    expect(await cluster.values()).toEqual(['first', 'second']);
    expect(await cluster.committed()).toBe(2n);
  });

  it('appends nothing if one of the records is too large', async () => {
    await using cluster = await startWithTopic();
    using producer = await cluster.open();
    const records = ['small', 'x'.repeat(30_000)].map((value) => ({
      topic: TOPIC,
      key: null,
      value,
      partition: 0,
    }));
    await expect(producer.append(records, at(2n))).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
    using next = await cluster.open();
    await next.append([], at(2n));
    expect(await cluster.values()).toEqual([]);
  });

  it('fails if the topic has no such partition', async () => {
    await using cluster = await startWithTopic();
    using producer = await cluster.open();
    const append = producer.append([{ topic: TOPIC, key: null, value: 'a', partition: 7 }], at(1n));
    await expect(append).rejects.toThrow(/no partition 7/);
    expect(await cluster.committed()).toBeUndefined();
  });
});
