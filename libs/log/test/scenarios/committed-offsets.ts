import { until } from '@hailstream/service/testing';
import { expect } from 'vitest';
import { nameOf } from '../../src/protocol/error-codes.js';
import { Api, only } from './apis.js';
import { area, each } from './scenario.js';

const LONGEST_METADATA = 4096;

export const offsetCommitArea = area('OffsetCommit', {
  ...each([2, 3, 4, 5, 6, 7, 8], 'version $ stores an offset with its metadata', async (log, version) => {
    const [group, topic] = [await log.group(), await log.topic()];
    const member = await group.withOne();
    expect(await member.commit(topic.name, 42n, { version, metadata: 'half way' })).toBe('NONE');
    expect(await group.committedOf(topic.name)).toMatchObject({
      error: 'NONE',
      committedOffset: 42n,
      metadata: 'half way',
    });
  }),
  'stores the leader epoch': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    const member = await group.member();
    await member.commit(topic.name, 1n, { leaderEpoch: 3 });
    expect(await group.committedOf(topic.name)).toMatchObject({ committedLeaderEpoch: 3 });
    await member.commit(topic.name, 2n);
    expect(await group.committedOf(topic.name)).toMatchObject({ committedLeaderEpoch: -1 });
  },
  'creates a group without members': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    expect(await (await group.member()).commit(topic.name, 5n)).toBe('NONE');
    expect(await group.describe()).toMatchObject({ groupState: 'Empty', protocolType: '' });
  },
  'accepts an offset lower than the committed one': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    const member = await group.member();
    for (const offset of [9n, 3n]) await member.commit(topic.name, offset);
    expect((await group.committedOf(topic.name)).committedOffset).toBe(3n);
  },
  'is refused without a member id if the group has members': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    await group.withOne();
    const outside = await group.member();
    expect(await outside.commit(topic.name, 5n)).toBe('UNKNOWN_MEMBER_ID');
  },
  'is refused with an unknown member id or another generation': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    const member = await group.withOne();
    expect(await member.commit(topic.name, 5n, { memberId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.commit(topic.name, 5n, { generationId: 9 })).toBe('ILLEGAL_GENERATION');
    expect(await member.commit(topic.name, 5n, { generationId: -1 })).toBe('ILLEGAL_GENERATION');
    expect(await member.commit(topic.name, 5n, { groupInstanceId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID');
    expect((await group.committedOf(topic.name)).committedOffset).toBe(-1n);
  },
  'is refused with a member id if the group has no members': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    const member = await group.withOne();
    await member.leave();
    expect(await member.commit(topic.name, 5n)).toBe('UNKNOWN_MEMBER_ID');
    const [unknown] = [await log.group()];
    const stranger = await unknown.member();
    expect(await stranger.commit(topic.name, 5n, { memberId: 'nobody', generationId: 1 })).toBe(
      'ILLEGAL_GENERATION',
    );
  },
  'is accepted during a rebalance': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    const a = await group.withOne();
    const b = await group.member();
    const joining = b.join();
    await until(async () => (await a.heartbeat()) === 'REBALANCE_IN_PROGRESS');
    expect(await a.commit(topic.name, 5n)).toBe('NONE');
    await a.join();
    await joining;
    expect(await a.commit(topic.name, 6n)).toBe('REBALANCE_IN_PROGRESS');
    expect((await group.committedOf(topic.name)).committedOffset).toBe(5n);
  },
  'accepts metadata of the maximum length and refuses longer metadata': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    const member = await group.member();
    expect(await member.commit(topic.name, 5n, { metadata: 'x'.repeat(LONGEST_METADATA + 1) })).toBe(
      'OFFSET_METADATA_TOO_LARGE',
    );
    expect(await member.commit(topic.name, 6n, { metadata: 'x'.repeat(LONGEST_METADATA) })).toBe('NONE');
    expect((await group.committedOf(topic.name)).committedOffset).toBe(6n);
  },
  'stores null metadata as an empty string': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    await (await group.member()).commit(topic.name, 5n, { metadata: null });
    expect(await group.committedOf(topic.name)).toMatchObject({ committedOffset: 5n, metadata: '' });
  },
  'refuses unknown partitions and topics, and stores the others': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    const member = await group.member();
    expect(await member.commit(topic.name, [5n, 6n])).toBe('NONE, UNKNOWN_TOPIC_OR_PARTITION');
    expect(await member.commit(log.name(), 5n)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect((await group.committedOf(topic.name)).committedOffset).toBe(5n);
  },
});

export const offsetFetchArea = area('OffsetFetch', {
  ...each([1, 2, 3, 4, 5, 6, 7], 'version $ returns the requested offsets', async (log, version) => {
    const [group, topic] = [await log.group(), await log.topic({ numPartitions: 3 })];
    await (await group.member()).commit(topic.name, [5n, 6n]);
    const { error, topics } = await group.committed([{ name: topic.name, partitionIndexes: [0, 1, 2] }], {
      version,
    });
    expect(error).toBe('NONE');
    const offsets = only(topics).partitions.map((partition) => [
      partition.partitionIndex,
      partition.error,
      partition.committedOffset,
      partition.metadata,
    ]);
    expect(offsets.sort()).toEqual([
      [0, 'NONE', 5n, ''],
      [1, 'NONE', 6n, ''],
      [2, 'NONE', -1n, ''],
    ]);
  }),
  'returns all offsets if no topics are given': async (log) => {
    const [group, topic] = [await log.group(), await log.topic({ numPartitions: 3 })];
    await (await group.member()).commit(topic.name, [5n, 6n]);
    const { topics } = await group.committed(null);
    const { name, partitions } = only(topics);
    expect(name).toBe(topic.name);
    expect(partitions.map(({ committedOffset }) => committedOffset).sort()).toEqual([5n, 6n]);
  },
  'returns no offset for an unknown group or topic': async (log) => {
    const group = await log.group();
    expect(await group.committedOf(log.name())).toMatchObject({
      error: 'NONE',
      committedOffset: -1n,
      metadata: '',
    });
    expect(await group.committed(null)).toMatchObject({ error: 'NONE', topics: [] });
  },
  'returns the offsets of several groups in one response': async (log) => {
    const topic = await log.topic();
    const first = await log.group();
    await (await first.member()).commit(topic.name, 5n);
    const asked = (groupId: string, topics: object[] | null) => ({ groupId, topics });
    const { groups } = await first.ask<{
      groups: {
        groupId: string;
        errorCode: number;
        topics: { partitions: { committedOffset: bigint }[] }[];
      }[];
    }>(Api.OffsetFetch, 8, {
      groups: [
        asked(first.name, [{ name: topic.name, partitionIndexes: [0] }]),
        asked(`${first.name}-nobody`, null),
      ],
      requireStable: true,
    });
    const named = groups.map(({ groupId, errorCode, topics }) => [
      groupId,
      nameOf(errorCode),
      topics.flatMap(({ partitions }) => partitions.map(({ committedOffset }) => committedOffset)),
    ]);
    const found = named.find(([groupId]) => groupId === first.name);
    expect(found).toEqual([first.name, 'NONE', [5n]]);
    expect(named).toHaveLength(2);
  },
  'returns an offset with require_stable if no transaction is open': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    await (await group.member()).commit(topic.name, 5n);
    const { topics } = await group.committed([{ name: topic.name, partitionIndexes: [0] }], {
      requireStable: true,
    });
    expect(only(only(topics).partitions)).toMatchObject({ error: 'NONE', committedOffset: 5n });
  },
});

export const offsetDeleteArea = area('OffsetDelete', {
  'deletes offsets of an empty group': async (log) => {
    const [group, topic] = [await log.group(), await log.topic({ numPartitions: 2 })];
    await (await group.member()).commit(topic.name, [5n, 6n]);
    expect(await group.deleteOffsets(topic.name, [1])).toEqual({ error: 'NONE', partitions: ['NONE'] });
    const { topics } = await group.committed(null);
    expect(only(only(topics).partitions)).toMatchObject({ partitionIndex: 0, committedOffset: 5n });
  },
  'keeps the offsets of topics that members subscribe to': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    const subscription = Buffer.concat([
      Buffer.from([0, 0, 0, 0, 0, 1, 0, topic.name.length]),
      Buffer.from(topic.name),
      Buffer.from([0, 0, 0, 0]),
    ]);
    const member = await group.withOne(null, { protocols: { range: subscription.toString('latin1') } });
    await member.commit(topic.name, 5n);
    expect(await group.deleteOffsets(topic.name, [0])).toEqual({
      error: 'NONE',
      partitions: ['GROUP_SUBSCRIBED_TO_TOPIC'],
    });
    expect((await group.committedOf(topic.name)).committedOffset).toBe(5n);
  },
  'refuses an unknown group and unknown partitions': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    expect(await group.deleteOffsets(topic.name, [0])).toMatchObject({ error: 'GROUP_ID_NOT_FOUND' });
    await (await group.member()).commit(topic.name, 5n);
    expect(await group.deleteOffsets(topic.name, [7])).toEqual({
      error: 'NONE',
      partitions: ['UNKNOWN_TOPIC_OR_PARTITION'],
    });
  },
});
