import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createAdmin,
  createDeadLetterQueue,
  createProducer,
  createRangeReader,
  DeadLetterIndex,
  redriveRecords,
  type Admin,
  type RangeReader,
} from '../../src/client/index.js';
import { deleteTopic, startTestBroker, type TestBroker } from '../../src/testing.js';
import { logger } from './_util.js';

const TOPIC = 'dead';
let broker: TestBroker;
let admin: Admin;
let reader: RangeReader;

beforeAll(async () => {
  broker = await startTestBroker();
  admin = createAdmin({ connection: connection(), logger });
  reader = createRangeReader({ connection: connection(), logger });
});
afterAll(async () => {
  await reader[Symbol.asyncDispose]();
  await admin[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

const connection = () => ({ brokers: [broker.address], clientId: 'test' });

async function createTopic(topic: string): Promise<void> {
  await admin.ensureTopics([{ name: topic, partitions: 1 }]);
}

async function write(topic: string, offsets: readonly number[]): Promise<void> {
  await using queue = createDeadLetterQueue({ connection: connection(), logger, topic });
  await queue.write(
    offsets.map((offset) => ({
      kind: 'record',
      topic: 'a',
      partition: 0,
      record: { offset: BigInt(offset), key: null, value: Buffer.from('v'), headers: {}, timestampMs: 1 },
      reason: new Error('no'),
      attempts: 1,
      groupId: 'g',
    })),
  );
}

const open = (topic: string, maxEntries: number) =>
  new DeadLetterIndex({ admin, reader, logger, topic, maxEntries });
const offsetsOf = (index: DeadLetterIndex) => [...index.values()].map(({ offset }) => Number(offset));

describe(DeadLetterIndex, () => {
  it('has the newest dead letters up to its limit, and reports that it left out others', async () => {
    await createTopic('bounded');
    await write('bounded', [1, 2, 3]);
    const index = open('bounded', 5);
    await index.update();
    expect({ offsets: offsetsOf(index), isTruncated: index.isTruncated }).toEqual({
      offsets: [1, 2, 3],
      isTruncated: false,
    });
    await write('bounded', [4, 5, 6]);
    await index.update();
    expect({ offsets: offsetsOf(index), isTruncated: index.isTruncated }).toEqual({
      offsets: [2, 3, 4, 5, 6],
      isTruncated: true,
    });
    const late = open('bounded', 2);
    await late.update();
    expect({ offsets: offsetsOf(late), isTruncated: late.isTruncated }).toEqual({
      offsets: [5, 6],
      isTruncated: true,
    });
  });

  it('has what a recreated topic has', async () => {
    await createTopic(TOPIC);
    await write(TOPIC, [1, 2]);
    const index = open(TOPIC, 5);
    await index.update();
    await deleteTopic(broker, TOPIC);
    await createTopic(TOPIC);
    await write(TOPIC, [7]);
    await index.update();
    expect(offsetsOf(index)).toEqual([7]);
  });

  it('keeps a dead letter redriven that is written again, also if it was not known before the mark', async () => {
    await createTopic('marked');
    await write('marked', [1]);
    const first = open('marked', 5);
    await first.update();
    const stored = await first.readRecord([...first.values()][0]!);
    const [, mark] = redriveRecords(
      stored!.record,
      { topic: 'marked', partition: 0 },
      { nowMs: 0, retentionMs: -1 },
    );
    await using producer = createProducer({ connection: connection(), logger });
    await producer.send([mark]);
    await write('marked', [1, 2]);
    await first.update();
    const late = open('marked', 3);
    await late.update();
    expect(late.isTruncated).toBe(true);
    for (const index of [first, late]) {
      expect(
        [...index.values()].map(({ offset, redrivenMs }) => [Number(offset), redrivenMs !== undefined]),
      ).toEqual([
        [1, true],
        [2, false],
      ]);
    }
  });
});
