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
/** The shortest session timeout that the broker allows. The other member waits for it. */
const SHORT_SESSION_MS = 6_000;
/** Longer than the test, so that no session expires. */
const LONG_SESSION_MS = 120_000;
const WAIT = { timeoutMs: 120_000 };
const COMMITS_POLL_MS = 50;

/** Guarantees of the broker for any client, as tests that run with one client library. */
export function describePromises(client: () => VerifiableClient): void {
  describe('an idempotent producer', () => {
    it('stores each record once and in order although the broker is killed twice', async () => {
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

  describe('a group with two members', () => {
    it('continues after one is killed: every record is read in order, and committed offsets do not decrease', async () => {
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

    it('keeps its assignment while a static member restarts', async () => {
      const count = 5_000;
      await using broker = await startTestBroker();
      await makeTopic(broker.address);
      const options = { address: broker.address, topic: TOPIC };
      const member = { ...options, group: GROUP, sessionTimeoutMs: LONG_SESSION_MS };
      await using stays = new RunningClient(client().consumer({ ...member, instance: 'stays' }));
      // The first member leads. A leader that rejoins may request a new assignment with any broker.
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

/**
 * Waits until a client has reported something.
 * @throws Error with the client's last output if it does not in time
 */
async function untilSaid(client: RunningClient, condition: () => boolean): Promise<void> {
  try {
    await until(() => client.ended || condition(), WAIT);
  } catch {
    throw client.failure(`timed out waiting for: ${condition}`);
  }
  if (!condition()) throw client.failure(`exited before: ${condition}`);
}

function adminOf(address: string) {
  const connection = { brokers: [address], clientId: 'test' };
  return createAdmin({ connection, logger: pino({ level: 'silent' }) });
}

async function makeTopic(address: string): Promise<void> {
  await using admin = adminOf(address);
  await admin.ensureTopics([{ name: TOPIC, partitions: PARTITIONS }]);
}

/** Every offset of the log holds a record. */
async function recordCount(address: string): Promise<number> {
  await using admin = adminOf(address);
  const offsets = [...(await admin.offsets(TOPIC)).values()];
  return sum(offsets.map(({ earliest, latest }) => Number(latest - earliest)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** The values that a consumer read, as numbers in the order of offsets. */
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

/** While a partition is assigned to a member, the member reads consecutive offsets. */
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

/** The next owner of a partition starts at the committed offset, not at the last offset that was read. */
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

/** Polls the group's committed offsets. */
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
