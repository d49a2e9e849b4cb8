import { until } from '@hailstream/service/testing';
import { expect } from 'vitest';
import type { JoinOptions } from './group-under-test.js';
import { area, each } from './scenario.js';

/** The last version in which a leader that came back must not know that it leads, and the one that tells it. */
const WITHOUT_SKIP = 8;
const WITH_SKIP = 9;
/** As short as Kafka lets a session be where nothing else is set. */
const SHORTEST_SESSION_MS = 6_000;

/** What is wrong with a join, and what a coordinator says to it. */
const BAD_JOINS: Readonly<Record<string, { options: JoinOptions; groupId?: string; error: string }>> = {
  'a session that is too short': { options: { sessionTimeoutMs: 5_999 }, error: 'INVALID_SESSION_TIMEOUT' },
  'a session that is too long': {
    options: { sessionTimeoutMs: 1_800_001 },
    error: 'INVALID_SESSION_TIMEOUT',
  },
  'an id that it was not given': { options: { memberId: 'nobody' }, error: 'UNKNOWN_MEMBER_ID' },
  'no protocol': { options: { protocols: {} }, error: 'INCONSISTENT_GROUP_PROTOCOL' },
  'no type of protocol': { options: { protocolType: '' }, error: 'INCONSISTENT_GROUP_PROTOCOL' },
  'no group': { options: {}, groupId: '', error: 'INVALID_GROUP_ID' },
};

export const joinArea = area('a member that joins', {
  ...each(
    [2, 3, 4, 5, 6, 7, 8, 9],
    'with JoinGroup $ leads the group that it is alone in',
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
  ...each([4, 9], 'with JoinGroup $ is given an id first', async (log, version) => {
    const member = await (await log.group()).member();
    const refused = await member.askToJoin({ version });
    expect(refused).toMatchObject({ error: 'MEMBER_ID_REQUIRED', generationId: -1 });
    expect(refused.memberId).not.toBe('');
    expect(await member.askToJoin({ version, memberId: refused.memberId })).toMatchObject({
      error: 'NONE',
      memberId: refused.memberId,
    });
  }),
  'has an id that begins with its client id, and an instance with its own': async (log) => {
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
  'is refused with a type of protocol that is not the others’': async (log) => {
    const group = await log.group();
    await group.withOne();
    const other = await group.member();
    expect(await other.join({ protocolType: 'connect' })).toMatchObject({
      error: 'INCONSISTENT_GROUP_PROTOCOL',
    });
  },
  'is refused with no protocol that all others know': async (log) => {
    const group = await log.group();
    await group.withOne();
    const other = await group.member();
    expect(await other.join({ protocols: { sticky: 'x' } })).toMatchObject({
      error: 'INCONSISTENT_GROUP_PROTOCOL',
    });
  },
  'makes the others join again, and only the leader learns of all': async (log) => {
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
  'gets the protocol that most of all prefer': async (log) => {
    const group = await log.group();
    const a = await group.withOne(null, { protocols: { sticky: 's', range: 'r' } });
    const [b, c] = [await group.member(), await group.member()];
    const joining = [b, c].map((member) => member.join({ protocols: { range: 'r', sticky: 's' } }));
    await until(async () => (await a.heartbeat()) === 'REBALANCE_IN_PROGRESS');
    // All three have to be in the same rebalance.
    await until(async () => (await group.describe()).members.length === 3);
    await a.join({ protocols: { sticky: 's', range: 'r' } });
    for (const joined of await Promise.all(joining)) expect(joined.protocolName).toBe('range');
  },
  'again with the same subscription is told the present generation': async (log) => {
    const { a, b } = await (await log.group()).withTwo();
    expect(await b.join()).toMatchObject({ error: 'NONE', generationId: b.generationId, leader: a.memberId });
    expect(await a.heartbeat()).toBe('NONE');
  },
  'again with another subscription makes the others join again': async (log) => {
    const { a, b } = await (await log.group()).withTwo();
    const joining = b.join({ protocols: { range: 'trips' } });
    await until(async () => (await a.heartbeat()) === 'REBALANCE_IN_PROGRESS');
    expect(await a.join()).toMatchObject({ generationId: 3 });
    expect(await joining).toMatchObject({ error: 'NONE', generationId: 3 });
  },
  'again as the leader makes the others join again': async (log) => {
    const { a, b } = await (await log.group()).withTwo();
    const joining = a.join();
    await until(async () => (await b.heartbeat()) === 'REBALANCE_IN_PROGRESS');
    expect(await b.join()).toMatchObject({ generationId: 3 });
    expect(await joining).toMatchObject({ error: 'NONE', generationId: 3, leader: a.memberId });
  },
});

export const syncArea = area('a member that asks for its part', {
  ...each([0, 1, 2, 3, 4, 5], 'with SyncGroup $ gets what the leader gave it', async (log, version) => {
    const group = await log.group();
    const member = await group.member();
    await member.join();
    expect(await member.sync({ [member.memberId]: 'all' }, { version })).toBe('all');
    expect(await member.sync({}, { version })).toBe('all');
  }),
  'gets nothing where the leader gave it nothing': async (log) => {
    const member = await (await log.group()).member();
    await member.join();
    expect(await member.sync({})).toBe('');
  },
  'is refused where it is not known, or of another generation': async (log) => {
    const member = await (await log.group()).withOne();
    expect(await member.sync({}, { memberId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.sync({}, { generationId: member.generationId + 1 })).toBe('ILLEGAL_GENERATION');
    expect(await member.sync({}, { generationId: member.generationId - 1 })).toBe('ILLEGAL_GENERATION');
    expect(await member.sync({}, { groupId: log.name() })).toBe('UNKNOWN_MEMBER_ID');
  },
  'is refused with another protocol than was chosen': async (log) => {
    const member = await (await log.group()).withOne();
    expect(await member.sync({}, { protocolName: 'sticky' })).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect(await member.sync({}, { protocolType: 'connect' })).toBe('INCONSISTENT_GROUP_PROTOCOL');
  },
  'is told of a rebalance that goes on': async (log) => {
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
  ...each([0, 1, 2, 3, 4], 'of version $ keeps a member', async (log, version) => {
    const member = await (await log.group()).withOne();
    expect(await member.heartbeat({}, version)).toBe('NONE');
  }),
  'is refused to who is not in the group': async (log) => {
    const member = await (await log.group()).withOne();
    expect(await member.heartbeat({ memberId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.heartbeat({ generationId: 7 })).toBe('ILLEGAL_GENERATION');
    expect(await member.heartbeat({ groupId: log.name() })).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.heartbeat({ groupId: '' })).toBe('INVALID_GROUP_ID');
    expect(await member.heartbeat({ groupInstanceId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID');
  },
  'keeps a member that has not asked for its part yet': async (log) => {
    const member = await (await log.group()).member();
    await member.join();
    expect(await member.heartbeat()).toBe('NONE');
  },
  'that does not come ends the membership': async (log) => {
    const group = await log.group();
    const member = await group.withOne(null, { sessionTimeoutMs: SHORTEST_SESSION_MS });
    await until(async () => (await group.describe()).groupState === 'Empty');
    expect(await member.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
  },
});

export const leaveArea = area('a member that leaves', {
  'is gone at once, and the group is empty': async (log) => {
    const group = await log.group();
    const member = await group.withOne();
    expect(await member.leave()).toBe('NONE');
    expect(await group.describe()).toMatchObject({ groupState: 'Empty', members: [] });
    expect(await member.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(await member.leave()).toBe('UNKNOWN_MEMBER_ID');
  },
  'makes the others join again': async (log) => {
    const { a, b } = await (await log.group()).withTwo();
    expect(await a.leave()).toBe('NONE');
    expect(await b.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect(await b.join()).toMatchObject({ error: 'NONE', generationId: 3, leader: b.memberId });
  },
  ...each([3, 4, 5], 'with others, in LeaveGroup $, each with an error of its own', async (log, version) => {
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
  }),
  'from a group that there is not is told so': async (log) => {
    const member = await (await log.group()).member();
    expect(await member.leave()).toBe('UNKNOWN_MEMBER_ID');
  },
});

export const staticMembersArea = area('a static member', {
  'joins without being given an id first': async (log) => {
    const member = await (await log.group()).member('a');
    expect(await member.askToJoin()).toMatchObject({ error: 'NONE', generationId: 1 });
  },
  'comes back with its part and without a rebalance, and who it was is fenced': async (log) => {
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
  'that leads need not share out again when it comes back': async (log) => {
    const group = await log.group();
    const { a, b } = await group.withTwo(['a', 'b']);
    const old = await group.member('a');
    const hidden = await old.join({ version: WITHOUT_SKIP });
    expect(hidden).toMatchObject({ error: 'NONE', leader: a.memberId, members: [] });
    expect(await old.sync()).toBe('part of a');
    const recent = await group.member('a');
    const told = await recent.join({ version: WITH_SKIP });
    expect(told).toMatchObject({ error: 'NONE', leader: told.memberId, skipAssignment: true });
    expect(told.members.map(({ groupInstanceId }) => groupInstanceId).sort()).toEqual(['a', 'b']);
    expect(await recent.sync()).toBe('part of a');
    expect(await b.heartbeat()).toBe('NONE');
  },
  'that comes back with another subscription has its part until the next rebalance': async (log) => {
    const group = await log.group();
    const { a, b } = await group.withTwo(['a', 'b']);
    const again = await group.member('b');
    const joined = await again.join({ protocols: { range: 'rides and trips' } });
    expect(joined).toMatchObject({ error: 'NONE', generationId: b.generationId });
    expect(await again.sync()).toBe('part of b');
    expect(await a.heartbeat()).toBe('NONE');
  },
  'that comes back with another protocol makes the others join again': async (log) => {
    const group = await log.group();
    const a = await group.withOne('a', { protocols: { range: 'r', sticky: 's' } });
    const again = await group.member('a');
    const joined = await again.join({ protocols: { sticky: 's' } });
    expect(joined).toMatchObject({ error: 'NONE', generationId: a.generationId + 1, protocolName: 'sticky' });
  },
  'leaves by its instance id, as an operator has it do': async (log) => {
    const group = await log.group();
    const { a, b } = await group.withTwo(['a', 'b']);
    expect(await group.leave([{ memberId: '', groupInstanceId: 'b' }])).toEqual({
      error: 'NONE',
      members: ['NONE'],
    });
    expect(await b.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(await a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
  },
  'does not leave by the id of another': async (log) => {
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
