import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { startTestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';

const METADATA = 3;
const OFFSET_COMMIT = 8;
const OFFSET_FETCH = 9;
const JOIN_GROUP = 11;
const LEAVE_GROUP = 13;
const SYNC_GROUP = 14;
const LIST_GROUPS = 16;
const OFFSET_DELETE = 47;
const GROUP_SUBSCRIBED_TO_TOPIC = 86;
const DAY_MS = 86_400_000;
const GROUP = 'riders';
const NOT_COMMITTED = -1n;
/** version 0 · topics ["rides"] · user data of length 0 */
const READS_RIDES = Buffer.from('0000000000010005726964657300000000', 'hex');

/** A broker with a controlled clock and the topics `rides` and `other`. */
async function start() {
  let nowMs = Date.now();
  const broker = await startTestBroker({
    now: () => nowMs,
    settings: { 'offsets.retention.check.interval.ms': '10' },
  });
  const client = await RawClient.connect(broker.port);
  await client.call(METADATA, 6, {
    topics: [{ name: 'rides' }, { name: 'other' }],
    allowAutoTopicCreation: true,
  });
  return {
    broker,
    client,
    pass: (ms: number) => {
      nowMs += ms;
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await broker.stop();
    },
  };
}

async function commit(
  client: RawClient,
  topics: readonly string[],
  member = { memberId: '', generationId: -1 },
  groupId = GROUP,
) {
  const { topics: answers } = await client.call<{ topics: { partitions: { errorCode: number }[] }[] }>(
    OFFSET_COMMIT,
    7,
    {
      groupId,
      ...member,
      groupInstanceId: null,
      topics: topics.map((name) => ({
        name,
        partitions: [
          { partitionIndex: 0, committedOffset: 7n, committedLeaderEpoch: -1, committedMetadata: null },
        ],
      })),
    },
  );
  for (const { partitions } of answers) expect(partitions[0]?.errorCode).toBe(0);
}

async function committed(client: RawClient, name: string, groupId = GROUP): Promise<bigint | undefined> {
  const { topics } = await client.call<{ topics: { partitions: { committedOffset: bigint }[] }[] }>(
    OFFSET_FETCH,
    5,
    { groupId, topics: [{ name, partitionIndexes: [0] }] },
  );
  return topics[0]?.partitions[0]?.committedOffset;
}

async function groupCount(client: RawClient): Promise<number> {
  return (await client.call<{ groups: unknown[] }>(LIST_GROUPS, 2, {})).groups.length;
}

/** Joins with an empty assignment. */
async function join(
  client: RawClient,
  groupId = GROUP,
  metadata = READS_RIDES,
): Promise<{ memberId: string; generationId: number }> {
  const { memberId, generationId } = await client.call<{ memberId: string; generationId: number }>(
    JOIN_GROUP,
    3,
    {
      groupId,
      sessionTimeoutMs: 1_800_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata }],
    },
  );
  await client.call(SYNC_GROUP, 3, {
    groupId,
    generationId,
    memberId,
    groupInstanceId: null,
    assignments: [{ memberId, assignment: Buffer.alloc(0) }],
  });
  return { memberId, generationId };
}

describe('offsets of a group whose members have left', () => {
  it('expire seven days later, across a restart, and are removed together with the group', async () => {
    await using own = await start();
    const { client, broker, pass } = own;
    const member = await join(client);
    await commit(client, ['rides'], member);
    pass(6 * DAY_MS);
    await client.call(LEAVE_GROUP, 1, { groupId: GROUP, memberId: member.memberId, members: [] });
    pass(6 * DAY_MS);
    await broker.restart();
    using after = await RawClient.connect(broker.port);
    expect(await committed(after, 'rides')).toBe(7n);
    pass(DAY_MS + 1);
    await until(async () => (await committed(after, 'rides')) === NOT_COMMITTED);
    await until(async () => (await groupCount(after)) === 0);
    await broker.restart();
    using later = await RawClient.connect(broker.port);
    expect(await groupCount(later)).toBe(0);
  });
});

describe('offsets committed without members', () => {
  it('expire seven days after their commit, across a restart', async () => {
    await using own = await start();
    const { client, broker, pass } = own;
    await commit(client, ['rides']);
    pass(4 * DAY_MS);
    await commit(client, ['other']);
    await broker.restart();
    pass(3 * DAY_MS + 1);
    using after = await RawClient.connect(broker.port);
    await until(async () => (await committed(after, 'rides')) === NOT_COMMITTED);
    expect(await committed(after, 'other')).toBe(7n);
    expect(await groupCount(after)).toBe(1);
    pass(4 * DAY_MS);
    await until(async () => (await groupCount(after)) === 0);
  });
});

describe('offsets of a group with members', () => {
  it('are kept if a member subscribes to the topic, and expire after seven days otherwise', async () => {
    await using own = await start();
    const { client, pass } = own;
    const member = await join(client);
    await commit(client, ['rides', 'other'], member);
    pass(7 * DAY_MS + 1);
    await until(async () => (await committed(client, 'other')) === NOT_COMMITTED);
    expect(await committed(client, 'rides')).toBe(7n);
  });
});

describe('a member whose subscription cannot be decoded', () => {
  // version 1 and -1 topics; a truncated version; more topics than bytes; a topic longer than the remaining bytes
  const UNREADABLE = ['0001ffffffff', '00', '00007fffffff', '00000000000100ff61'];

  it('keeps the offsets of its group only', async () => {
    await using own = await start();
    const { client, pass } = own;
    for (const [i, hex] of UNREADABLE.entries()) {
      const member = await join(client, `a-${i}`, Buffer.from(hex, 'hex'));
      await commit(client, ['rides'], member, `a-${i}`);
    }
    await commit(client, ['rides']);
    pass(7 * DAY_MS + 1);
    await until(async () => (await committed(client, 'rides')) === NOT_COMMITTED);
    await until(async () => (await groupCount(client)) === UNREADABLE.length);
    for (const i of UNREADABLE.keys()) expect(await committed(client, 'rides', `a-${i}`)).toBe(7n);
  });

  it('may subscribe to any topic: OffsetDelete refuses all of them', async () => {
    await using own = await start();
    const { client } = own;
    for (const [i, hex] of UNREADABLE.entries()) {
      await join(client, `a-${i}`, Buffer.from(hex, 'hex'));
      const { errorCode, topics } = await client.call<{
        errorCode: number;
        topics: { partitions: { errorCode: number }[] }[];
      }>(OFFSET_DELETE, 0, {
        groupId: `a-${i}`,
        topics: [{ name: 'rides', partitions: [{ partitionIndex: 0 }] }],
      });
      expect(errorCode).toBe(0);
      expect(topics[0]?.partitions[0]?.errorCode).toBe(GROUP_SUBSCRIBED_TO_TOPIC);
    }
  });
});
