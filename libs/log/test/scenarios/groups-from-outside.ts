import { until } from '@hailstream/service/testing';
import { expect } from 'vitest';
import { nameOf } from '../../src/protocol/error-codes.js';
import { Api, only } from './apis.js';
import { area, each } from './scenario.js';

const NOT_ASKED = -2147483648;

export const describeGroupsArea = area('a described group', {
  ...each([0, 1, 2, 3, 4, 5], 'is described by DescribeGroups $', async (log, version) => {
    const group = await log.group();
    const member = await group.withOne();
    const { members, ...described } = await group.describe(version);
    expect(described).toMatchObject({
      error: 'NONE',
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
    });
    expect(only(members)).toMatchObject({
      memberId: member.memberId,
      clientId: 'raw',
      memberMetadata: Buffer.from('rides'),
      memberAssignment: Buffer.from('part of a'),
    });
  }),
  'is dead if it does not exist': async (log) => {
    const group = await log.group();
    expect(await group.describe()).toMatchObject({
      error: 'NONE',
      groupState: 'Dead',
      members: [],
      protocolType: '',
    });
  },
  'changes from PreparingRebalance to CompletingRebalance to Stable to Empty': async (log) => {
    const group = await log.group();
    const state = async () => (await group.describe()).groupState;
    const a = await group.withOne();
    const b = await group.member();
    const joining = b.join();
    await until(async () => (await state()) === 'PreparingRebalance');
    await a.join();
    await joining;
    expect(await state()).toBe('CompletingRebalance');
    await Promise.all([a.sync({}), b.sync()]);
    expect(await state()).toBe('Stable');
    await group.leave([a, b].map(({ memberId }) => ({ memberId, groupInstanceId: null })));
    expect(await state()).toBe('Empty');
  },
  ...each([0, 1, 2, 3, 4], 'is listed by ListGroups $', async (log, version) => {
    const group = await log.group();
    await group.withOne();
    const { errorCode, groups } = await group.ask<{ errorCode: number; groups: { groupId: string }[] }>(
      Api.ListGroups,
      version,
      { statesFilter: [] },
    );
    expect(errorCode).toBe(0);
    const listed = groups.find(({ groupId }) => groupId === group.name);
    expect(listed).toMatchObject({ protocolType: 'consumer', groupState: version >= 4 ? 'Stable' : '' });
  }),
  'is listed by state': async (log) => {
    const group = await log.group();
    await group.withOne();
    const listed = async (...statesFilter: string[]) => {
      const { groups } = await group.ask<{ groups: { groupId: string }[] }>(Api.ListGroups, 4, {
        statesFilter,
      });
      return groups.some(({ groupId }) => groupId === group.name);
    };
    expect(await listed('Stable')).toBe(true);
    expect(await listed('stable')).toBe(true);
    expect(await listed('Empty', 'Dead')).toBe(false);
    expect(await listed('NoSuchState')).toBe(false);
  },
});

export const groupTypesArea = area('group type and authorized operations', {
  'ListGroups 5 returns the type classic and filters by type': async (log) => {
    const group = await log.group();
    await group.withOne();
    const listed = async (...typesFilter: string[]) => {
      const { groups } = await group.ask<{ groups: { groupId: string; groupType: string }[] }>(
        Api.ListGroups,
        5,
        {
          statesFilter: [],
          typesFilter,
        },
      );
      return groups.find(({ groupId }) => groupId === group.name)?.groupType;
    };
    expect(await listed()).toBe('classic');
    expect(await listed('Classic')).toBe('classic');
    expect(await listed('consumer', 'classic')).toBe('classic');
    expect(await listed('consumer')).toBeUndefined();
  },
  ...each([true, false], 'DescribeGroups returns the authorized operations: $', async (log, asked) => {
    const group = await log.group();
    await group.withOne();
    const { groups } = await group.ask<{ groups: { authorizedOperations: number }[] }>(
      Api.DescribeGroups,
      5,
      {
        groups: [group.name],
        includeAuthorizedOperations: asked,
      },
    );
    // READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS as a bit field of the protocol's operation codes
    expect(only(groups).authorizedOperations).toBe(asked ? 0b1101_0100_1000 : NOT_ASKED);
  }),
});

export const authorizedOperationsArea = area('authorized operations', {
  ...each([true, false], 'of topics, in Metadata: $', async (log, asked) => {
    const topic = await log.topic();
    const describe = (name: string) =>
      log.ask<{ topics: { topicAuthorizedOperations: number }[]; clusterAuthorizedOperations: number }>(
        Api.Metadata,
        8,
        {
          topics: [{ name }],
          allowAutoTopicCreation: false,
          includeClusterAuthorizedOperations: asked,
          includeTopicAuthorizedOperations: asked,
        },
      );
    const { topics, clusterAuthorizedOperations } = await describe(topic.name);
    // READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS
    expect(only(topics).topicAuthorizedOperations).toBe(asked ? 0b1101_1111_1000 : NOT_ASKED);
    // CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE
    expect(clusterAuthorizedOperations).toBe(asked ? 0b1_1111_1010_0000 : NOT_ASKED);
    const unknown = only((await describe(log.name())).topics);
    expect(unknown.topicAuthorizedOperations).toBe(only(topics).topicAuthorizedOperations);
  }),
  ...each([true, false], 'of the cluster, in DescribeCluster: $', async (log, asked) => {
    const { clusterAuthorizedOperations } = await log.ask<{ clusterAuthorizedOperations: number }>(
      Api.DescribeCluster,
      1,
      { includeClusterAuthorizedOperations: asked, endpointType: 1 },
    );
    expect(clusterAuthorizedOperations).toBe(asked ? 0b1_1111_1010_0000 : NOT_ASKED);
  }),
});

export const deleteGroupsArea = area('a deleted group', {
  'is removed with its offsets if it is empty': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    await (await group.member()).commit(topic.name, 5n);
    expect((await group.describe()).groupState).toBe('Empty');
    expect(await group.delete()).toBe('NONE');
    expect((await group.describe()).groupState).toBe('Dead');
    expect((await group.committedOf(topic.name)).committedOffset).toBe(-1n);
  },
  'is kept if it has members': async (log) => {
    const group = await log.group();
    const member = await group.withOne();
    expect(await group.delete()).toBe('NON_EMPTY_GROUP');
    expect(await member.heartbeat()).toBe('NONE');
  },
  'is not found if it does not exist': async (log) => {
    expect(await (await log.group()).delete()).toBe('GROUP_ID_NOT_FOUND');
  },
  'may have an empty group id if it has offsets only': async (log) => {
    const [group, topic] = [await log.group(''), await log.topic()];
    expect(await (await group.member()).commit(topic.name, 5n)).toBe('NONE');
    expect((await group.committedOf(topic.name)).committedOffset).toBe(5n);
    expect(await group.delete()).toBe('NONE');
    expect(await group.delete()).toBe('GROUP_ID_NOT_FOUND');
  },
  'has its own error in a request for several groups': async (log) => {
    const [group, topic] = [await log.group(), await log.topic()];
    await (await group.member()).commit(topic.name, 5n);
    const { results } = await group.ask<{ results: { groupId: string; errorCode: number }[] }>(
      Api.DeleteGroups,
      0,
      {
        groupsNames: [group.name, `${group.name}-nobody`],
      },
    );
    const errors = Object.fromEntries(results.map(({ groupId, errorCode }) => [groupId, nameOf(errorCode)]));
    expect(errors).toEqual({ [group.name]: 'NONE', [`${group.name}-nobody`]: 'GROUP_ID_NOT_FOUND' });
  },
});

export const coordinatorArea = area('FindCoordinator', {
  ...each([0, 1, 2, 3, 4], 'version $ returns the coordinator of a group', async (log, version) => {
    const group = await log.group();
    const found = await log.ask<{
      errorCode: number;
      host: string;
      port: number;
      coordinators: { errorCode: number; key: string; host: string; port: number }[];
    }>(Api.FindCoordinator, version, { key: group.name, keyType: 0, coordinatorKeys: [group.name] });
    const { errorCode, host, port } = version >= 4 ? only(found.coordinators) : found;
    expect(errorCode).toBe(0);
    expect(log.addresses).toContain(`${host}:${port}`);
  }),
  'refuses unknown coordinator types': async (log) => {
    const found = await log.ask<{ errorCode: number }>(Api.FindCoordinator, 3, {
      key: log.name(),
      keyType: 9,
    });
    expect(nameOf(found.errorCode)).toBe('INVALID_REQUEST');
  },
});
