import { until } from '@hailstream/service/testing';
import { expect } from 'vitest';
import type { JoinOptions } from './group-under-test.js';
import { area, each } from './scenario.js';

/** The last version that does not tell a rejoining static leader that it is the leader, and the first that does. */
const WITHOUT_SKIP = 8;
const WITH_SKIP = 9;
/** Kafka's default `group.min.session.timeout.ms`. */
const SHORTEST_SESSION_MS = 6_000;

/** Invalid JoinGroup requests, with the coordinator's error for each. */
const BAD_JOINS: Readonly<Record<string, { options: JoinOptions; groupId?: string; error: string }>> = {
  'a session that is too short': { options: { sessionTimeoutMs: 5_999 }, error: 'INVALID_SESSION_TIMEOUT' },
  'a session that is too long': {
    options: { sessionTimeoutMs: 1_800_001 },
    error: 'INVALID_SESSION_TIMEOUT',
  },
  'an unknown member id': { options: { memberId: 'nobody' }, error: 'UNKNOWN_MEMBER_ID' },
  'no protocol': { options: { protocols: {} }, error: 'INCONSISTENT_GROUP_PROTOCOL' },
  'no protocol type': { options: { protocolType: '' }, error: 'INCONSISTENT_GROUP_PROTOCOL' },
  'no group id': { options: {}, groupId: '', error: 'INVALID_GROUP_ID' },
};

export const joinArea = area('a joining member', {
  ...each(
    [2, 3, 4, 5, 6, 7, 8, 9],
    'with JoinGroup $ leads the group if it is the only member',
    async (log, version) => {
      const group = await log.group();
      const member = await group.member();
      const joined = await member.join({ version });
      expect(joined).toMatchObject({
        error: 'NONE',
        generationId: 1,
        protocolName: 'range',
        leader: member.memberId,
      });
      expect(joined.members).toEqual([
        { memberId: member.memberId, groupInstanceId: null, metadata: Buffer.from('rides') },
      ]);
      if (version >= 7) expect(joined.protocolType).toBe('consumer');
      expect(await member.sync({ [member.memberId]: 'all' })).toBe('all');
      expect(await member.heartbeat()).toBe('NONE');
    },
  ),
  ...each([4, 9], 'with JoinGroup $ first receives a member id', async (log, version) => {
    const member = await (await log.group()).member();
    const refused = await member.askToJoin({ version });
    expect(refused).toMatchObject({ error: 'MEMBER_ID_REQUIRED', generationId: -1 });
    expect(refused.memberId).not.toBe('');
    expect(await member.askToJoin({ version, memberId: refused.memberId })).toMatchObject({
      error: 'NONE',
      memberId: refused.memberId,
    });
  }),
  'has a member id with the client id as prefix, or with the instance id if it is static': async (log) => {
    const group = await log.group();
    const dynamic = await group.member();
    await dynamic.join();
    expect(dynamic.memberId).toMatch(/^raw-/);
    const fixed = await (await log.group()).member('instance');
    await fixed.join();
    expect(fixed.memberId).toMatch(/^instance-/);
  },
  ...each(Object.keys(BAD_JOINS), 'is refused with $', async (log, what) => {
    const { options, groupId, error } = BAD_JOINS[what] as (typeof BAD_JOINS)[string];
    const group = await log.group();
    const member = await group.member(null, groupId ?? group.name);
    expect(await member.askToJoin({ version: 3, ...options })).toMatchObject({ error });
  }),
  'is refused with a protocol type that differs from the group’s': async (log) => {
    const group = await log.group();
    await group.withOne();
    const other = await group.member();
    expect(await other.join({ protocolType: 'connect' })).toMatchObject({
      error: 'INCONSISTENT_GROUP_PROTOCOL',
    });
  },
  'is refused without a protocol that all members support': async (log) => {
    const group = await log.group();
    await group.withOne();
    const other = await group.member();
    expect(await other.join({ protocols: { sticky: 'x' } })).toMatchObject({
      error: 'INCONSISTENT_GROUP_PROTOCOL',
    });
  },
  'causes a rebalance, and only the leader receives the list of members': async (log) => {
    const group = await log.group();
    const a = await group.withOne();
    const b = await group.member();
    const joining = b.join({ protocols: { range: 'trips' } });
    await until(async () => (await a.heartbeat()) === 'REBALANCE_IN_PROGRESS');
    const [first, second] = await Promise.all([a.join(), joining]);
    expect(first).toMatchObject({ error: 'NONE', generationId: 2, leader: a.memberId });
    expect(first.members.map(({ memberId, metadata }) => [memberId, String(metadata)]).sort()).toEqual(
      [
        [a.memberId, 'rides'],
        [b.memberId, 'trips'],
      ].sort(),
    );
    expect(second).toMatchObject({ error: 'NONE', generationId: 2, leader: a.memberId, members: [] });
  },
  'receives the protocol with the most votes': async (log) => {
    const group = await log.group();
    const a = await group.withOne(null, { protocols: { sticky: 's', range: 'r' } });
    const [b, c] = [await group.member(), await group.member()];
    const joining = [b, c].map((member) => member.join({ protocols: { range: 'r', sticky: 's' } }));
    await until(async () => (await a.heartbeat()) === 'REBALANCE_IN_PROGRESS');
    // All three members must join in the same rebalance.
    await until(async () => (await group.describe()).members.length === 3);
    await a.join({ protocols: { sticky: 's', range: 'r' } });
    for (const joined of await Promise.all(joining)) expect(joined.protocolName).toBe('range');
  },
  'that joins again with the same subscription receives the current generation': async (log) => {
    const { a, b } = await (await log.group()).withTwo();
    expect(await b.join()).toMatchObject({ error: 'NONE', generationId: b.generationId, leader: a.memberId });
    expect(await a.heartbeat()).toBe('NONE');
  },
  'that joins again with another subscription causes a rebalance': async (log) => {
    const { a, b } = await (await log.group()).withTwo();
    const joining = b.join({ protocols: { range: 'trips' } });
    await until(async () => (await a.heartbeat()) === 'REBALANCE_IN_PROGRESS');
    expect(await a.join()).toMatchObject({ generationId: 3 });
    expect(await joining).toMatchObject({ error: 'NONE', generationId: 3 });
  },
  'that joins again as the leader causes a rebalance': async (log) => {
    const { a, b } = await (await log.group()).withTwo();
    const joining = a.join();
    await until(async () => (await b.heartbeat()) === 'REBALANCE_IN_PROGRESS');
    expect(await b.join()).toMatchObject({ generationId: 3 });
    expect(await joining).toMatchObject({ error: 'NONE', generationId: 3, leader: a.memberId });
  },
});

export const syncArea = area('a member that requests its assignment', {
  ...each(
    [0, 1, 2, 3, 4, 5],
    'with SyncGroup $ receives the assignment from the leader',
    async (log, version) => {
      const group = await log.group();
      const member = await group.member();
      await member.join();
      expect(await member.sync({ [member.memberId]: 'all' }, { version })).toBe('all');
      expect(await member.sync({}, { version })).toBe('all');
    },
  ),
  'receives an empty assignment if the leader did not assign any': async (log) => {
    const member = await (await log.group()).member();
    await member.join();
    expect(await member.sync({})).toBe('');
  },
  'is refused with an unknown member id or another generation': async (log) => {
    const member = await (await log.group()).withOne();
    expect(await member.sync({}, { memberId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.sync({}, { generationId: member.generationId + 1 })).toBe('ILLEGAL_GENERATION');
    expect(await member.sync({}, { generationId: member.generationId - 1 })).toBe('ILLEGAL_GENERATION');
    expect(await member.sync({}, { groupId: log.name() })).toBe('UNKNOWN_MEMBER_ID');
  },
  'is refused with a protocol that was not selected': async (log) => {
    const member = await (await log.group()).withOne();
    expect(await member.sync({}, { protocolName: 'sticky' })).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect(await member.sync({}, { protocolType: 'connect' })).toBe('INCONSISTENT_GROUP_PROTOCOL');
  },
  'receives REBALANCE_IN_PROGRESS during a rebalance': async (log) => {
    const group = await log.group();
    const a = await group.withOne();
    const b = await group.member();
    const joining = b.join();
    await until(async () => (await a.heartbeat()) === 'REBALANCE_IN_PROGRESS');
    expect(await a.sync()).toBe('REBALANCE_IN_PROGRESS');
    await a.join();
    await joining;
  },
});

export const heartbeatArea = area('a heartbeat', {
  ...each([0, 1, 2, 3, 4], 'of version $ extends the session of a member', async (log, version) => {
    const member = await (await log.group()).withOne();
    expect(await member.heartbeat({}, version)).toBe('NONE');
  }),
  'is refused for a member that is not in the group': async (log) => {
    const member = await (await log.group()).withOne();
    expect(await member.heartbeat({ memberId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.heartbeat({ generationId: 7 })).toBe('ILLEGAL_GENERATION');
    expect(await member.heartbeat({ groupId: log.name() })).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.heartbeat({ groupId: '' })).toBe('INVALID_GROUP_ID');
    expect(await member.heartbeat({ groupInstanceId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID');
  },
  'extends the session of a member that has no assignment yet': async (log) => {
    const member = await (await log.group()).member();
    await member.join();
    expect(await member.heartbeat()).toBe('NONE');
  },
  'that is missing removes the member after the session timeout': async (log) => {
    const group = await log.group();
    const member = await group.withOne(null, { sessionTimeoutMs: SHORTEST_SESSION_MS });
    await until(async () => (await group.describe()).groupState === 'Empty');
    expect(await member.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
  },
});

export const leaveArea = area('a leaving member', {
  'is removed immediately, and the group is empty': async (log) => {
    const group = await log.group();
    const member = await group.withOne();
    expect(await member.leave()).toBe('NONE');
    expect(await group.describe()).toMatchObject({ groupState: 'Empty', members: [] });
    expect(await member.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.leave()).toBe('UNKNOWN_MEMBER_ID');
  },
  'causes a rebalance': async (log) => {
    const { a, b } = await (await log.group()).withTwo();
    expect(await a.leave()).toBe('NONE');
    expect(await b.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect(await b.join()).toMatchObject({ error: 'NONE', generationId: 3, leader: b.memberId });
  },
  ...each(
    [3, 4, 5],
    'leaves with others in one LeaveGroup $ request, with an error for each',
    async (log, version) => {
      const group = await log.group();
      const { a } = await group.withTwo();
      const answer = await group.leave(
        [
          { memberId: a.memberId, groupInstanceId: null },
          { memberId: 'nobody', groupInstanceId: null },
          { memberId: '', groupInstanceId: 'nobody' },
        ],
        version,
      );
      expect(answer).toEqual({ error: 'NONE', members: ['NONE', 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID'] });
      expect((await group.describe()).members).toHaveLength(1);
    },
  ),
  'of an unknown group receives an error': async (log) => {
    const member = await (await log.group()).member();
    expect(await member.leave()).toBe('UNKNOWN_MEMBER_ID');
  },
});

export const staticMembersArea = area('a static member', {
  'joins with its first request': async (log) => {
    const member = await (await log.group()).member('a');
    expect(await member.askToJoin()).toMatchObject({ error: 'NONE', generationId: 1 });
  },
  'that rejoins keeps its assignment without a rebalance, and fences its former member id': async (log) => {
    const group = await log.group();
    const { a, b } = await group.withTwo(['a', 'b']);
    const again = await group.member('b');
    expect(await again.join()).toMatchObject({ error: 'NONE', generationId: b.generationId });
    expect(again.memberId).not.toBe(b.memberId);
    expect(await again.sync()).toBe('part of b');
    const topic = await log.topic();
    expect(await b.heartbeat()).toBe('FENCED_INSTANCE_ID');
    expect(await b.sync()).toBe('FENCED_INSTANCE_ID');
    expect(await b.commit(topic.name, 1n)).toBe('FENCED_INSTANCE_ID');
    expect((await b.join()).error).toBe('FENCED_INSTANCE_ID');
    expect(await again.heartbeat()).toBe('NONE');
    expect(await again.commit(topic.name, 1n)).toBe('NONE');
    expect(await a.heartbeat()).toBe('NONE');
  },
  'that leads need not assign partitions again when it rejoins': async (log) => {
    const group = await log.group();
    const { a, b } = await group.withTwo(['a', 'b']);
    const old = await group.member('a');
    const hidden = await old.join({ version: WITHOUT_SKIP });
    expect(hidden).toMatchObject({ error: 'NONE', leader: a.memberId, members: [] });
    expect(await old.sync()).toBe('part of a');
    const recent = await group.member('a');
    const response = await recent.join({ version: WITH_SKIP });
    expect(response).toMatchObject({ error: 'NONE', leader: response.memberId, skipAssignment: true });
    expect(response.members.map(({ groupInstanceId }) => groupInstanceId).sort()).toEqual(['a', 'b']);
    expect(await recent.sync()).toBe('part of a');
    expect(await b.heartbeat()).toBe('NONE');
  },
  'that rejoins with another subscription keeps its assignment until the next rebalance': async (log) => {
    const group = await log.group();
    const { a, b } = await group.withTwo(['a', 'b']);
    const again = await group.member('b');
    const joined = await again.join({ protocols: { range: 'rides and trips' } });
    expect(joined).toMatchObject({ error: 'NONE', generationId: b.generationId });
    expect(await again.sync()).toBe('part of b');
    expect(await a.heartbeat()).toBe('NONE');
  },
  'that rejoins with another protocol causes a rebalance': async (log) => {
    const group = await log.group();
    const a = await group.withOne('a', { protocols: { range: 'r', sticky: 's' } });
    const again = await group.member('a');
    const joined = await again.join({ protocols: { sticky: 's' } });
    expect(joined).toMatchObject({ error: 'NONE', generationId: a.generationId + 1, protocolName: 'sticky' });
  },
  'is removed by its instance id, as by an admin client': async (log) => {
    const group = await log.group();
    const { a, b } = await group.withTwo(['a', 'b']);
    expect(await group.leave([{ memberId: '', groupInstanceId: 'b' }])).toEqual({
      error: 'NONE',
      members: ['NONE'],
    });
    expect(await b.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(await a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
  },
  'is not removed by another instance id': async (log) => {
    const group = await log.group();
    const { a } = await group.withTwo(['a', 'b']);
    const answer = await group.leave([{ memberId: a.memberId, groupInstanceId: 'b' }]);
    expect(answer.members).toEqual(['FENCED_INSTANCE_ID']);
  },
  'is described with its instance id': async (log) => {
    const group = await log.group();
    await group.withTwo(['a', 'b']);
    expect((await group.describe()).members.map(({ groupInstanceId }) => groupInstanceId).sort()).toEqual([
      'a',
      'b',
    ]);
  },
});
