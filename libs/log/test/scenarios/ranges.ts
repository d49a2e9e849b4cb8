import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { expect } from 'vitest';
import {
  createRangeReader,
  type ConsumerGap,
  type LogRange,
  type RangeReader,
  type RangeRequest,
} from '../../src/client/index.js';
import { TransactionalClient } from '../broker/transactional-client.js';
import type { LogUnderTest } from './log-under-test.js';
import { area } from './scenario.js';
import { deleteTopic } from './topics.js';

const logger = pino({ level: 'silent' });
const START = Date.now() - 3_600_000;

function readerOf({ addresses }: LogUnderTest): RangeReader {
  return createRangeReader({ connection: { brokers: addresses, clientId: 'scenario' }, logger });
}

const whole = (topic: string): LogRange[] => [{ topic, from: 'earliest', to: 'latest' }];

async function valuesIn(reader: RangeReader, request: RangeRequest): Promise<string[]> {
  const values: string[] = [];
  for await (const { records } of await reader.readRange(request)) {
    values.push(...records.map(({ value }) => String(value)));
  }
  return values;
}

/** Appends records with the timestamps START, +10, +20 and so on, each in a separate batch. */
async function appendSpaced(log: LogUnderTest, values: readonly string[]): Promise<string> {
  const topic = await log.topic();
  for (const [index, value] of values.entries()) {
    const timestamp = BigInt(START + 10 * index);
    await topic.append([value], { baseTimestamp: timestamp, maxTimestamp: timestamp });
  }
  return topic.name;
}

export const rangesArea = area('readRange', {
  'returns the records between two offsets, and between two timestamps': async (log) => {
    const topic = await appendSpaced(log, ['a', 'b', 'c', 'd', 'e']);
    await using reader = readerOf(log);
    expect(await valuesIn(reader, { ranges: [{ topic, from: 1n, to: 4n }] })).toEqual(['b', 'c', 'd']);
    const times = { from: { timestampMs: START + 11 }, to: { timestampMs: START + 31 } };
    expect(await valuesIn(reader, { ranges: [{ topic, ...times }] })).toEqual(['c', 'd']);
    expect(await valuesIn(reader, { ranges: whole(topic), maxPartitionBytes: 1 })).toHaveLength(5);
  },
  'omits aborted transactions, and ends before an open one': async (log) => {
    const topic = await log.topic();
    const port = Number(log.addresses[0]!.split(':').at(-1));
    using client = await TransactionalClient.connect(port);
    const begin = async () => {
      const id = log.name();
      await client.patiently(() => client.locate('transaction', id));
      await client.patiently(() => client.init(id));
      const producer = await client.begin(id);
      await client.add(producer, topic.name, [0]);
      return producer;
    };
    await topic.append(['before']);
    const aborted = await begin();
    await client.produce(aborted, topic.name, 0, ['aborted']);
    await client.end(aborted, 'abort');
    await topic.append(['between']);
    const open = await begin();
    await client.produce(open, topic.name, 0, ['open']);
    await topic.append(['after']);
    await until(async () => (await topic.fetch()).lastStableOffset === 4n);
    await using reader = readerOf(log);
    expect(await valuesIn(reader, { ranges: whole(topic.name) })).toEqual(['before', 'between']);
    const all = await valuesIn(reader, { ranges: whole(topic.name), isolation: 'read_uncommitted' });
    expect(all).toEqual(['before', 'aborted', 'between', 'open', 'after']);
    const waiting = valuesIn(reader, { ranges: [{ topic: topic.name, from: 4n, to: 6n }] });
    await client.end(open, 'commit');
    expect(await waiting).toEqual(['open', 'after']);
  },
  'reports records that were deleted before they were read': async (log) => {
    const topic = await log.topic();
    for (const value of ['a', 'b', 'c']) await topic.append([value]);
    await topic.deleteRecords(2n);
    const range = { topic: topic.name, partition: 0, from: 0n, to: 3n };
    await using reader = readerOf(log);
    await expect(valuesIn(reader, { ranges: [range] })).rejects.toMatchObject({ code: 'OFFSETS_MISSING' });
    const gaps: ConsumerGap[] = [];
    const onGap = (gap: ConsumerGap) => void gaps.push(gap);
    expect(await valuesIn(reader, { ranges: [range], onGap })).toEqual(['c']);
    expect(gaps).toMatchObject([{ expected: 0n, found: 2n, cause: 'log-start' }]);
  },
  'returns no record of a recreated topic': async (log) => {
    const topic = await log.topic();
    await topic.append(['a', 'b']);
    await using reader = readerOf(log);
    const read = await reader.readRange({ ranges: whole(topic.name) });
    expect(await deleteTopic(log, { name: topic.name })).toBe('NONE');
    // Kafka deletes topics in the background.
    await until(async () => (await log.create([{ name: topic.name }]))[0]?.error === 'NONE');
    await (await log.existingTopic(topic.name)).append(['c', 'd', 'e']);
    const values: string[] = [];
    const reading = (async () => {
      for await (const { records } of read) values.push(...records.map(({ value }) => String(value)));
    })();
    await expect(reading).rejects.toMatchObject({ code: 'TOPIC_RECREATED' });
    expect(values).toEqual([]);
  },
});
