import {
  createAdmin,
  createProducer,
  createRangeReader,
  isRetryable,
  redriveHeaders,
  type LogRecord,
  type OutgoingRecord,
} from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { groupOf } from '../src/jobs/open-delivery.js';
import { isJobOf, parseRouterFile, type JobSpec } from '../src/router-file/router-file.js';
import { GroupDelivery } from '../src/sinks/group-delivery.js';
import { KafkaSink } from '../src/sinks/kafka/kafka-sink.js';
import { PartitionMirror } from '../src/sinks/kafka/partition-mirror.js';
import { Semaphore } from '../src/sinks/semaphore.js';
import { TargetCluster } from '../src/sinks/kafka/target-cluster.js';
import { deleteGroup, readCommitted, type ReadMessage } from './_kafkajs.js';
import { appendPoints, connectionTo, deadLettersOf, run, silent } from './_util.js';

const TOPIC = 'vehicles';
const PARTITIONS = 3;

function kafkaJob(
  target: TestBroker,
  settings: { name?: string; topic?: string; filter?: string } = {},
): JobSpec {
  const { name = 'mirror', topic, filter } = settings;
  const sink = { type: 'kafka', brokers: [target.address], ...(topic && { topic }) };
  const batching = { records: 50 };
  const job = { name, topics: [TOPIC], sink, batching, ...(filter && { filter }) };
  return parseRouterFile(JSON.stringify({ jobs: [job] }), 'router.yaml')[0]!;
}

async function createTopic(
  broker: TestBroker,
  { partitions = PARTITIONS, configs = {} }: { partitions?: number; configs?: Record<string, string> } = {},
): Promise<void> {
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  await admin.ensureTopics([{ name: TOPIC, partitions, configs }]);
}

/** Records of 20 keys; each value is the number of the record. */
function numbered(count: number, first = 0): Omit<OutgoingRecord, 'topic'>[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `vehicle-${(first + index) % 20}`,
    value: String(first + index),
    timestampMs: 1_700_000_000_000 + index,
  }));
}

async function append(broker: TestBroker, records: readonly Omit<OutgoingRecord, 'topic'>[]): Promise<void> {
  await using producer = createProducer({ connection: connectionTo(broker), logger: silent });
  const results = await producer.send(records.map((record) => ({ topic: TOPIC, ...record })));
  for (const result of results) if (result.kind === 'failed') throw result.error;
}

async function readAll(broker: TestBroker): Promise<LogRecord[]> {
  await using reader = createRangeReader({ connection: connectionTo(broker), logger: silent });
  const all: LogRecord[] = [];
  const ranges = [{ topic: TOPIC, from: 'earliest', to: 'latest' } as const];
  for await (const { records } of await reader.readRange({ ranges })) all.push(...records);
  return all;
}

/** Expects the numbered records, each once. */
function expectOnce(read: readonly ReadMessage[], count: number): void {
  const numbers = read.map(({ value }) => Number(value));
  expect(numbers.toSorted((one, other) => one - other)).toEqual(Array.from({ length: count }, (_, n) => n));
}

/** Expects the numbered records, each once, and in order of each key. */
function expectOnceInOrder(read: readonly ReadMessage[], count: number): void {
  expectOnce(read, count);
  const last = new Map<string, number>();
  for (const { key, value } of read) {
    expect(Number(value)).toBeGreaterThan(last.get(String(key)) ?? -1);
    last.set(String(key), Number(value));
  }
}

/** Offsets in all partitions of the target: records and markers of transactions. */
async function targetEnd(target: TestBroker): Promise<number> {
  await using admin = createAdmin({ connection: connectionTo(target), logger: silent });
  try {
    const offsets = await admin.offsets(TOPIC);
    return [...offsets.values()].reduce((sum, { latest }) => sum + Number(latest), 0);
  } catch (error) {
    // The topic may not be created yet, or the broker may be restarting.
    if (isRetryable(error)) return 0;
    throw error;
  }
}

describe('second Kafka', () => {
  it('copies key, value, partition, timestamp and headers, and adds provenance headers', async () => {
    await using source = await startTestBroker();
    await using target = await startTestBroker();
    await createTopic(source, { configs: { 'cleanup.policy': 'compact' } });
    const headers = [
      { key: 'trace', value: 'one' },
      { key: 'empty', value: null },
      { key: 'trace', value: 'two' },
    ];
    await append(source, [
      { key: 'vehicle-1', value: 'not an event', partition: 2, timestampMs: 1_700_000_000_000, headers },
      { key: 'vehicle-1', value: null, partition: 2, timestampMs: 1_700_000_000_001 },
    ]);
    expect((await run(source, [kafkaJob(target)])).jobs).toEqual({
      mirror: { records: 2, delivered: 2, filtered: 0, deadLettered: 0 },
    });
    await using sourceAdmin = createAdmin({ connection: connectionTo(source), logger: silent });
    const { clusterId } = (await sourceAdmin.identities([TOPIC])).get(TOPIC)!;
    const [first, second, ...others] = await readCommitted(target, TOPIC);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ partition: 2, timestamp: '1700000000000' });
    expect([first!.key?.toString(), first!.value?.toString()]).toEqual(['vehicle-1', 'not an event']);
    expect(first!.headers).toEqual({
      trace: [Buffer.from('one'), Buffer.from('two')],
      empty: null,
      'mirror-source-cluster': Buffer.from(clusterId),
      'mirror-source-topic': Buffer.from(TOPIC),
      'mirror-source-partition': Buffer.from('2'),
      'mirror-source-offset': Buffer.from('0'),
    });
    expect(second).toMatchObject({ value: null, timestamp: '1700000000001' });
    await using targetAdmin = createAdmin({ connection: connectionTo(target), logger: silent });
    expect((await targetAdmin.configs(TOPIC)).get('cleanup.policy')).toBe('compact');
    expect((await targetAdmin.offsets(TOPIC)).size).toBe(PARTITIONS);
  });

  it('copies null keys, tombstones, and any headers exactly, without those of a redrive', async () => {
    await using source = await startTestBroker();
    await using target = await startTestBroker();
    await createTopic(source, { partitions: 1 });
    const job = kafkaJob(target);
    const redrive = redriveHeaders({ id: 'letter', groupId: groupOf(job), count: 1 });
    await append(source, [
      { key: null, value: 'plain' },
      {
        key: null,
        value: 'headers',
        headers: [
          { key: '7', value: 'seven' },
          { key: 'ä', value: null },
          { key: 'a', value: '' },
          { key: '', value: 'no name' },
        ],
      },
      { key: 'vehicle-1', value: null },
      { key: '', value: '', headers: [{ key: 'a', value: 'x'.repeat(200) }] },
      { key: null, value: null, headers: [{ key: 'trace', value: 'kept' }, ...redrive] },
      {
        key: null,
        value: 'repeated',
        headers: [
          { key: 'a', value: 'first' },
          { key: 'b', value: 'between' },
          { key: 'a', value: null },
          { key: 'a', value: 'last' },
        ],
      },
      { key: null, value: 'plain again' },
    ]);
    await run(source, [job]);
    const read = await readCommitted(target, TOPIC);
    expect(read.map(({ key, value }) => [key && String(key), value && String(value)])).toEqual([
      [null, 'plain'],
      [null, 'headers'],
      ['vehicle-1', null],
      ['', ''],
      [null, null],
      [null, 'repeated'],
      [null, 'plain again'],
    ]);
    const headers = read.map(({ headers: found }) => found ?? {});
    expect(headers.map((each) => String(each['mirror-source-offset']))).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
    ]);
    const own = headers.map((each) => Object.entries(each).filter(([name]) => !name.startsWith('mirror-')));
    expect(own).toEqual([
      [],
      [
        ['7', Buffer.from('seven')],
        ['ä', null],
        ['a', Buffer.alloc(0)],
        ['', Buffer.from('no name')],
      ],
      [],
      [['a', Buffer.from('x'.repeat(200))]],
      [['trace', Buffer.from('kept')]],
      [
        ['a', [Buffer.from('first'), null, Buffer.from('last')]],
        ['b', Buffer.from('between')],
      ],
      [],
    ]);
  });

  it('copies each record once and in order per key, despite interruptions and lost responses', async () => {
    await using source = await startTestBroker();
    await using target = await startTestBroker();
    const [interruptions, count] = [10, 2_000];
    await createTopic(source);
    const faults = [
      { api: 'EndTxn', dropAnswer: true },
      { api: 'Produce', dropAnswer: true },
      { api: 'TxnOffsetCommit', dropConnection: true },
      { api: 'EndTxn', dropConnection: true },
      { api: 'AddPartitionsToTxn', dropAnswer: true },
    ] as const;
    const job = kafkaJob(target);
    for (let interruption = 0; interruption < interruptions; interruption += 1) {
      await append(source, numbered(count, interruption * count));
      const stop = new AbortController();
      const end = await targetEnd(target);
      const running = run(source, [job], { signal: stop.signal });
      await until(async () => (await targetEnd(target)) > end + Math.random() * 300);
      target.inject({ ...faults[interruption % faults.length]!, times: PARTITIONS });
      if (interruption % 3 === 2) await target.restart();
      else await until(async () => (await targetEnd(target)) > end + 300);
      stop.abort();
      await running;
      target.clearFaults();
    }
    await run(source, [job]);
    expectOnceInOrder(await readCommitted(target, TOPIC), interruptions * count);
  });

  it('waits for a target that is down', async () => {
    await using source = await startTestBroker();
    await using target = await startTestBroker();
    await createTopic(source);
    await append(source, numbered(200));
    await run(source, [kafkaJob(target)]);
    await target.kill();
    await append(source, numbered(200, 200));
    const running = run(source, [kafkaJob(target)]);
    await target.restart();
    await running;
    expectOnceInOrder(await readCommitted(target, TOPIC), 400);
  });

  it('keeps the order of each key if the target has another number of partitions', async () => {
    await using source = await startTestBroker();
    await using target = await startTestBroker();
    await createTopic(source);
    await createTopic(target, { partitions: 2 });
    await append(source, numbered(1_000));
    await run(source, [kafkaJob(target)]);
    const read = await readCommitted(target, TOPIC);
    expectOnceInOrder(read, 1_000);
    const places = new Set(read.map(({ key, partition }) => `${String(key)}/${partition}`));
    expect(places.size).toBe(20);
  });

  it('does not copy records back to their cluster', async () => {
    await using one = await startTestBroker();
    await using other = await startTestBroker();
    for (const broker of [one, other]) await createTopic(broker);
    await append(one, numbered(100));
    await append(other, numbered(100, 100));
    for (let round = 0; round < 2; round += 1) {
      await run(one, [kafkaJob(other, { name: 'there' })]);
      await run(other, [kafkaJob(one, { name: 'back' })]);
    }
    expectOnce(await readCommitted(one, TOPIC), 200);
    expectOnce(await readCommitted(other, TOPIC), 200);
  });

  it('refuses to copy a topic to itself, and copies it to another topic of the same cluster', async () => {
    await using broker = await startTestBroker();
    await createTopic(broker);
    await append(broker, numbered(10));
    await expect(run(broker, [kafkaJob(broker)])).rejects.toThrow(/would be copied to itself/);
    await run(broker, [kafkaJob(broker, { name: 'copy', topic: 'copy-of-{topic}' })]);
    expectOnceInOrder(await readCommitted(broker, `copy-of-${TOPIC}`), 10);
  });

  it('copies records that match the filter, and dead-letters values that are not events', async () => {
    await using source = await startTestBroker();
    await using target = await startTestBroker();
    await appendPoints(source, []);
    await createTopic(source);
    await append(source, [
      { key: 'a', value: '{"state":"on_trip"}' },
      { key: 'a', value: '{"state":"parked"}' },
      { key: 'a', value: 'not an event' },
    ]);
    const result = await run(source, [kafkaJob(target, { filter: "state = 'on_trip'" })]);
    expect(result.jobs['mirror']).toEqual({ records: 3, delivered: 1, filtered: 1, deadLettered: 1 });
    expect((await readCommitted(target, TOPIC)).map(({ value }) => String(value))).toEqual([
      '{"state":"on_trip"}',
    ]);
    expect((await deadLettersOf(source)).map(({ value }) => value)).toEqual(['not an event']);
  });

  it('writes records that are too large for the target to the dead-letter queue', async () => {
    await using source = await startTestBroker();
    await using target = await startTestBroker();
    await appendPoints(source, []);
    await createTopic(source);
    await createTopic(target, { configs: { 'max.message.bytes': '20000' } });
    const large = 'x'.repeat(30_000);
    await append(source, [...numbered(30), { key: 'vehicle-7', value: large }, ...numbered(30, 30)]);
    const result = await run(source, [kafkaJob(target)]);
    expect(result.jobs['mirror']).toEqual({ records: 61, delivered: 60, filtered: 0, deadLettered: 1 });
    expectOnceInOrder(await readCommitted(target, TOPIC), 60);
    expect((await deadLettersOf(source)).map(({ value }) => value)).toEqual([large]);
  });

  it('fails if the target has lost its position', async () => {
    await using source = await startTestBroker();
    await using target = await startTestBroker();
    await using emptyTarget = await startTestBroker();
    await createTopic(source);
    await append(source, numbered(100));
    await run(source, [kafkaJob(target)]);
    await append(source, numbered(100, 100));
    await expect(run(source, [kafkaJob(emptyTarget)])).rejects.toThrow(/has no position of vehicles\/\d/);
  });

  it('commits its positions again while no records arrive, so that they do not expire', async () => {
    await using source = await startTestBroker();
    await using target = await startTestBroker();
    await createTopic(source);
    await append(source, numbered(100));
    const spec = kafkaJob(target);
    if (!isJobOf(spec, 'kafka')) throw new Error('expected a job with a Kafka sink');
    const connection = connectionTo(source);
    await using admin = createAdmin({ connection, logger: silent });
    await using targetAdmin = createAdmin({ connection: connectionTo(target), logger: silent });
    const { topicId } = (await admin.identities([TOPIC])).get(TOPIC)!;
    const observer = { delivered() {}, failed() {}, recovered() {}, gap() {} };
    const context = { connection, credentials: {}, admin, logger: silent, observer };
    const options = { ...context, spec, groupId: groupOf(spec), semaphore: new Semaphore(1) };
    await using delivery = new GroupDelivery(options, new KafkaSink({ ...options, spec, refreshMs: 100 }));
    await delivery.start();
    for (const [partition, { latest }] of await admin.offsets(TOPIC)) {
      const group = `${groupOf(spec)}-${TOPIC}-${partition}-${topicId}`;
      const isCommitted = async () => (await targetAdmin.committed(group, TOPIC)).get(0) === latest;
      await until(isCommitted);
      await deleteGroup(target, group);
      await until(isCommitted);
    }
  });
});

describe(PartitionMirror, () => {
  it('fences the mirror of a previous owner, which then continues at the position of the target', async () => {
    await using source = await startTestBroker();
    await using targetBroker = await startTestBroker();
    await createTopic(source, { partitions: 1 });
    await append(source, numbered(10));
    const records = await readAll(source);
    const connection = connectionTo(source);
    await using admin = createAdmin({ connection, logger: silent });
    const sink = { type: 'kafka' as const, brokers: [targetBroker.address], topic: '{topic}', ssl: false };
    await using target = new TargetCluster({ sink, connection, admin, logger: silent });
    const options = {
      partition: { topic: TOPIC, partition: 0 },
      groupId: 'mirror',
      admin,
      target,
      logger: silent,
    };
    using zombie = new PartitionMirror(options);
    using owner = new PartitionMirror(options);
    await zombie.append(records.slice(0, 5), { from: 0n, to: 5n });
    expect(await owner.append(records.slice(3, 8), { from: 3n, to: 8n })).toMatchObject({ appended: 3 });
    const rest = { from: 5n, to: 10n };
    await expect(zombie.append(records.slice(5), rest)).rejects.toMatchObject({
      code: 'FENCED',
      retryable: false,
    });
    expect(await zombie.append(records.slice(5), rest)).toMatchObject({ appended: 2 });
    await expect(owner.append(records.slice(8), { from: 8n, to: 10n })).rejects.toMatchObject({
      code: 'FENCED',
    });
    expect(await owner.append(records.slice(8), { from: 8n, to: 10n })).toMatchObject({ appended: 0 });
    expectOnceInOrder(await readCommitted(targetBroker, TOPIC), 10);
  });
});
