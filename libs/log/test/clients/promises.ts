import { setTimeout as delay } from 'node:timers/promises';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createAdmin } from '../../src/client/index.js';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { RawClient } from '../broker/raw-client.js';
import { KillableBroker } from './killable-broker.js';
import { RunningClient, type VerifiableClient } from './verifiable-client.js';

const OFFSET_FETCH = 9;
const TOPIC = 'rides';
const GROUP = 'readers';
const PARTITIONS = 6;
const PARTITION_NUMBERS = Array.from({ length: PARTITIONS }, (_, i) => i);
/** The shortest that the broker allows: the other member waits for so long. */
const SHORT_SESSION_MS = 6_000;
/** Longer than any of this takes: nobody is given up. */
const LONG_SESSION_MS = 120_000;
const WAIT = { timeoutMs: 120_000 };
const COMMITS_POLL_MS = 50;

/** What the broker promises to any client, as tests with one of them. */
export function describePromises(client: () => VerifiableClient): void {
  describe('an idempotent producer', () => {
    it('has each record in the log once and in order, though the broker is killed twice', async () => {
      const count = 20_000;
      await using broker = await KillableBroker.start();
      await makeTopic(broker.address);
      const options = { address: broker.address, topic: TOPIC };
      await using producer = new RunningClient(client().producer({ ...options, count, rate: 4_000 }));
      for (const acknowledged of [4_000, 12_000]) {
        await untilSaid(producer, () => producer.records.size >= acknowledged);
        await broker.killAndStart();
      }
      expect(await producer.done()).toMatchObject({ exitCode: 0 });
      expect(producer.errors).toEqual([]);
      expect(new Set(producer.records.values()).size).toBe(count);
      await using consumer = new RunningClient(
        client().consumer({ ...options, group: GROUP, sessionTimeoutMs: LONG_SESSION_MS }),
      );
      await untilSaid(consumer, () => consumer.records.size >= count);
      await consumer.terminate();
      expect(consumer.records).toEqual(producer.records);
      expect(await recordCount(broker.address)).toBe(count);
      for (const values of byPartition(consumer).values()) {
        expect(values).toEqual(values.toSorted((a, b) => a - b));
      }
    });
  });

  describe('a group of two', () => {
    it('goes on when one is killed: every record is read, in order, and commits go forward', async () => {
      const count = 15_000;
      await using broker = await startTestBroker();
      await makeTopic(broker.address);
      const options = { address: broker.address, topic: TOPIC };
      const member = { ...options, group: GROUP, sessionTimeoutMs: SHORT_SESSION_MS };
      await using killed = new RunningClient(client().consumer(member));
      await using survivor = new RunningClient(client().consumer(member));
      await untilSaid(killed, () => killed.assigned.size === 3 && survivor.assigned.size === 3);
      await using commits = watchCommits(broker);
      await using producer = new RunningClient(client().producer({ ...options, count, rate: 3_000 }));
      await untilSaid(killed, () => killed.records.size >= 1_000);
      await killed.kill();
      expect(await producer.done()).toMatchObject({ exitCode: 0 });
      expect(producer.records.size).toBe(count);
      const readAll = () => new Map([...killed.records, ...survivor.records]);
      await untilSaid(survivor, () => readAll().size >= count);
      await survivor.terminate();
      expect(readAll()).toEqual(producer.records);
      expect([...survivor.assigned]).toEqual([]);
      for (const each of [killed, survivor]) expectOrder(each);
      expectTakeover(killed, survivor);
      await until(() => sum(commits.newest) === count, WAIT);
      expect(commits.wentBack).toEqual([]);
    });

    it('keeps its partitions while a static member is away', async () => {
      const count = 5_000;
      await using broker = await startTestBroker();
      await makeTopic(broker.address);
      const options = { address: broker.address, topic: TOPIC };
      const member = { ...options, group: GROUP, sessionTimeoutMs: LONG_SESSION_MS };
      await using stays = new RunningClient(client().consumer({ ...member, instance: 'stays' }));
      // The first leads. A leader that comes back may want to share out again, whoever answers it.
      await untilSaid(stays, () => stays.assigned.size === PARTITIONS);
      await using goes = new RunningClient(client().consumer({ ...member, instance: 'goes' }));
      await untilSaid(goes, () => goes.assigned.size === 3 && stays.assigned.size === 3);
      await using producer = new RunningClient(client().producer({ ...options, count, rate: 2_000 }));
      await untilSaid(goes, () => goes.records.size >= 500 && stays.records.size >= 500);
      const owned = [...goes.assigned].sort();
      const before = rebalances(stays);
      await goes.kill();
      expect(await producer.done()).toMatchObject({ exitCode: 0 });
      await using back = new RunningClient(client().consumer({ ...member, instance: 'goes' }));
      const readAll = () => new Map([...goes.records, ...back.records, ...stays.records]);
      await untilSaid(back, () => readAll().size >= count);
      expect([...back.assigned].sort()).toEqual(owned);
      expect(readAll()).toEqual(producer.records);
      expect(rebalances(stays)).toBe(before);
    });
  });
}

/** Waits for something that a client is to say. @throws Error with the client's last words where it does not */
async function untilSaid(client: RunningClient, condition: () => boolean): Promise<void> {
  try {
    await until(() => client.ended || condition(), WAIT);
  } catch {
    throw client.failure(`has not come to this: ${condition}`);
  }
  if (!condition()) throw client.failure(`ended before this: ${condition}`);
}

function adminOf(address: string) {
  const connection = { brokers: [address], clientId: 'test' };
  return createAdmin({ connection, logger: pino({ level: 'silent' }) });
}

async function makeTopic(address: string): Promise<void> {
  await using admin = adminOf(address);
  await admin.ensureTopics([{ name: TOPIC, partitions: PARTITIONS }]);
}

/** Records in the log: each has an offset, and nothing else has. */
async function recordCount(address: string): Promise<number> {
  await using admin = adminOf(address);
  const offsets = [...(await admin.offsets(TOPIC)).values()];
  return sum(offsets.map(({ earliest, latest }) => Number(latest - earliest)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** What a consumer read, as numbers, in the order of offsets. */
function byPartition({ records }: RunningClient): Map<number, number[]> {
  const places = [...records].map(([place, value]) => {
    const [partition = 0, offset = 0] = place.split(':').map(Number);
    return { partition, offset, value: Number(value) };
  });
  const values = new Map<number, number[]>();
  for (const { partition, value } of places.toSorted((a, b) => a.offset - b.offset)) {
    values.set(partition, [...(values.get(partition) ?? []), value]);
  }
  return values;
}

function rebalances({ events }: RunningClient): number {
  return events.filter(({ name }) => name === 'partitions_assigned' || name === 'partitions_revoked').length;
}

/** While a member has a partition, it reads one offset after the other. */
function expectOrder({ events }: RunningClient): void {
  const next = new Map<number, number>();
  for (const event of events) {
    if (event.name === 'partitions_assigned')
      event.partitions.forEach(({ partition }) => next.delete(partition));
    if (event.name !== 'record_data') continue;
    const { partition, offset } = event;
    expect({ partition, offset }).toEqual({ partition, offset: next.get(partition) ?? offset });
    next.set(partition, offset + 1);
  }
}

/** Whoever takes the partitions begins after what is committed, and not after what was read. */
function expectTakeover(killed: RunningClient, survivor: RunningClient): void {
  expect(killed.assigned.size).toBe(3);
  for (const partition of killed.assigned) {
    const isHere = (event: { partition: number }) => event.partition === partition;
    const read = killed.events.filter((event) => event.name === 'record_data' && isHere(event)).length;
    const committed = killed.events
      .flatMap((event) => (event.name === 'offsets_committed' && event.success ? event.offsets : []))
      .findLast(isHere);
    const first = survivor.events.find((event) => event.name === 'record_data' && isHere(event));
    const { offset } = first as { offset: number };
    expect(offset).toBeGreaterThanOrEqual(committed?.offset ?? 0);
    expect(offset).toBeLessThanOrEqual(read);
  }
}

/** Asks for the group's offsets all the time. */
function watchCommits(broker: TestBroker) {
  const newest = PARTITION_NUMBERS.map(() => -1);
  const wentBack: string[] = [];
  const ended = new AbortController();
  const watch = async () => {
    using client = await RawClient.connect(broker.port);
    while (!ended.signal.aborted) {
      const { topics } = await client.call<OffsetFetchAnswer>(OFFSET_FETCH, 5, {
        groupId: GROUP,
        topics: [{ name: TOPIC, partitionIndexes: PARTITION_NUMBERS }],
      });
      for (const { partitionIndex, committedOffset } of topics[0]?.partitions ?? []) {
        const before = newest[partitionIndex] ?? -1;
        if (Number(committedOffset) < before) {
          wentBack.push(`${partitionIndex}: ${before}, then ${committedOffset}`);
        }
        newest[partitionIndex] = Number(committedOffset);
      }
      await delay(COMMITS_POLL_MS);
    }
  };
  const watching = watch();
  return {
    newest,
    wentBack,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await watching;
    },
  };
}

interface OffsetFetchAnswer {
  readonly topics: readonly {
    readonly partitions: readonly { readonly partitionIndex: number; readonly committedOffset: bigint }[];
  }[];
}
