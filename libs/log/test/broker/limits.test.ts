import { describe, expect, it } from 'vitest';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';

const METADATA = 3;
const OFFSET_COMMIT = 8;
const JOIN_GROUP = 11;
const DESCRIBE_GROUPS = 15;
const LIST_GROUPS = 16;
const CREATE_TOPICS = 19;
const DELETE_TOPICS = 20;
const DELETE_RECORDS = 21;
const INIT_PRODUCER_ID = 22;
const DESCRIBE_CONFIGS = 32;
const ALTER_CONFIGS = 33;
const CREATE_PARTITIONS = 37;
const INCREMENTAL_ALTER_CONFIGS = 44;

const INVALID_TOPIC = 17;
const INVALID_GROUP_ID = 24;
const INVALID_REQUEST = 42;
const POLICY_VIOLATION = 44;
const MEMBER_ID_REQUIRED = 79;
const GROUP_MAX_SIZE_REACHED = 81;

const INTERNAL = ['__consumer_offsets', '__transaction_state'] as const;

interface Coded {
  readonly errorCode: number;
}

async function connect(broker: TestBroker): Promise<RawClient> {
  return RawClient.connect(broker.port);
}

function topicNamed(name: string, numPartitions = 1, configs: object[] = []) {
  return { name, numPartitions, replicationFactor: 1, assignments: [], configs };
}

async function createTopics(client: RawClient, topics: object[]): Promise<number[]> {
  const request = { topics, timeoutMs: 1000, validateOnly: false };
  const answer = await client.call<{ topics: Coded[] }>(CREATE_TOPICS, 7, request);
  return answer.topics.map(({ errorCode }) => errorCode);
}

function joinOf(groupId: string, change: object = {}) {
  return {
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(10) }],
    reason: null,
    ...change,
  };
}

/** Version 0 has no assigned ids: the member joins at once. */
async function join(client: RawClient, groupId: string, change: object = {}, version = 0): Promise<number> {
  return (await client.call<Coded>(JOIN_GROUP, version, joinOf(groupId, change))).errorCode;
}

async function commit(client: RawClient, groupId: string, metadata = ''): Promise<number> {
  const partition = {
    partitionIndex: 0,
    committedOffset: 1n,
    committedLeaderEpoch: -1,
    committedMetadata: metadata,
  };
  const answer = await client.call<{ topics: { partitions: Coded[] }[] }>(OFFSET_COMMIT, 8, {
    groupId,
    generationId: -1,
    memberId: '',
    groupInstanceId: null,
    topics: [{ name: 'rides', partitions: [partition] }],
  });
  return answer.topics[0]?.partitions[0]?.errorCode ?? Number.NaN;
}

describe('internal topics', () => {
  it('cannot be created, altered or deleted by clients', async () => {
    await using broker = await startTestBroker();
    using client = await connect(broker);
    // Does not exist until the first transaction.
    expect(await createTopics(client, [topicNamed('__transaction_state', 3)])).toEqual([INVALID_TOPIC]);
    const asked = { topics: [{ name: '__transaction_state' }], allowAutoTopicCreation: true };
    expect(await client.call(METADATA, 6, asked)).toMatchObject({ topics: [{ errorCode: INVALID_TOPIC }] });
    await client.call(INIT_PRODUCER_ID, 1, { transactionalId: 'loader', transactionTimeoutMs: 60_000 });

    const topics = INTERNAL.map((name) => ({ name, count: 5, assignments: null }));
    const refused = INTERNAL.map(() => ({ errorCode: INVALID_TOPIC }));
    expect(
      await client.call(CREATE_PARTITIONS, 1, { topics, timeoutMs: 1000, validateOnly: false }),
    ).toMatchObject({ results: refused });
    expect(await client.call(DELETE_TOPICS, 5, { topicNames: [...INTERNAL], timeoutMs: 1000 })).toMatchObject(
      { responses: refused },
    );
    const partitions = [{ partitionIndex: 0, offset: -1n }];
    expect(
      await client.call(DELETE_RECORDS, 1, {
        topics: INTERNAL.map((name) => ({ name, partitions })),
        timeoutMs: 1000,
      }),
    ).toMatchObject({ topics: refused.map((code) => ({ partitions: [code] })) });
    const change = { name: 'cleanup.policy', value: 'delete', configOperation: 0 };
    for (const api of [ALTER_CONFIGS, INCREMENTAL_ALTER_CONFIGS]) {
      const resources = INTERNAL.map((resourceName) => ({
        resourceType: 2,
        resourceName,
        configs: [change],
      }));
      const answer = await client.call(api, 1, { resources, validateOnly: false });
      expect(answer).toMatchObject({ responses: refused });
    }
    const described = await client.call<{ results: { configs: { name: string; value: string }[] }[] }>(
      DESCRIBE_CONFIGS,
      2,
      {
        resources: INTERNAL.map((resourceName) => ({
          resourceType: 2,
          resourceName,
          configurationKeys: ['cleanup.policy'],
        })),
        includeSynonyms: false,
      },
    );
    expect(described.results.map(({ configs }) => configs[0]?.value)).toEqual(['compact', 'compact']);
  });
});

describe('a request with very many elements', () => {
  it('closes the connection, before memory is used for them', async () => {
    await using broker = await startTestBroker();
    using client = await connect(broker);
    const before = process.memoryUsage().heapUsed;
    // One byte each.
    const statesFilter = Array.from({ length: 2_000_000 }, () => '');
    await expect(client.call(LIST_GROUPS, 4, { statesFilter })).rejects.toThrow('closed');
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 << 20);
    using other = await connect(broker);
    await other.call(LIST_GROUPS, 4, { statesFilter: [] });
  });

  // With quadratic work it exceeds the time limit of the test.
  it('is answered in linear time', async () => {
    await using broker = await startTestBroker();
    using client = await connect(broker);
    const names = Array.from({ length: 30_000 }, (_, i) => `t${i}`);
    const twice = [...names, ...names];
    const codes = await createTopics(
      client,
      twice.map((name) => topicNamed(name)),
    );
    expect(new Set(codes)).toEqual(new Set([INVALID_REQUEST]));
    const configs = names.map((name) => ({ name, configOperation: 1, value: null }));
    const resources = [{ resourceType: 4, resourceName: '', configs }];
    await client.call(INCREMENTAL_ALTER_CONFIGS, 1, { resources, validateOnly: true });
  });

  it('does not make the response larger than what exists', async () => {
    await using broker = await startTestBroker();
    using client = await connect(broker);
    expect(await createTopics(client, [topicNamed('rides', 200)])).toEqual([0]);
    const many = <T>(value: T): T[] => Array.from({ length: 20_000 }, () => value);
    const { topics } = await client.call<{ topics: unknown[] }>(METADATA, 9, {
      topics: many({ name: 'rides' }),
      allowAutoTopicCreation: false,
    });
    expect(topics).toHaveLength(1);
    const { groups } = await client.call<{ groups: unknown[] }>(DESCRIBE_GROUPS, 4, {
      groups: many('readers'),
    });
    expect(groups).toHaveLength(1);
    const resource = { resourceType: 2, resourceName: 'rides', configurationKeys: null };
    const { results } = await client.call<{ results: unknown[] }>(DESCRIBE_CONFIGS, 2, {
      resources: many(resource),
      includeSynonyms: true,
    });
    expect(results).toHaveLength(1);
  });
});

describe('groups', () => {
  it('are limited in number, and those that a client only asked an id for make room', async () => {
    await using broker = await startTestBroker({ settings: { 'max.groups': '2' } });
    using client = await connect(broker);
    expect(await createTopics(client, [topicNamed('rides')])).toEqual([0]);
    expect(await join(client, 'asked', {}, 5)).toBe(MEMBER_ID_REQUIRED);
    expect(await commit(client, 'first')).toBe(0);
    expect(await commit(client, 'second')).toBe(0);
    expect(await commit(client, 'third')).toBe(POLICY_VIOLATION);
    expect(await join(client, 'third')).toBe(POLICY_VIOLATION);
    expect(await commit(client, 'first')).toBe(0);
  });

  it('have limits for ids, protocols and metadata of members', async () => {
    await using broker = await startTestBroker({ settings: { 'group.max.size': '1' } });
    using client = await connect(broker);
    expect(await createTopics(client, [topicNamed('rides')])).toEqual([0]);
    expect(await join(client, 'g'.repeat(1_025))).toBe(INVALID_GROUP_ID);
    expect(await commit(client, 'g'.repeat(1_025))).toBe(INVALID_GROUP_ID);
    const large = [{ name: 'range', metadata: Buffer.alloc(1 << 20) }];
    expect(await join(client, 'readers', { protocols: large })).toBe(INVALID_REQUEST);
    const protocols = Array.from({ length: 101 }, (_, i) => ({ name: `p${i}`, metadata: Buffer.alloc(1) }));
    expect(await join(client, 'readers', { protocols })).toBe(INVALID_REQUEST);
    expect(await join(client, 'readers')).toBe(0);
    expect(await join(client, 'readers')).toBe(GROUP_MAX_SIZE_REACHED);
  });
});

describe('transactional ids', () => {
  it('are limited in number and length', async () => {
    await using broker = await startTestBroker({ settings: { 'max.transactional.ids': '1' } });
    using client = await connect(broker);
    const init = async (transactionalId: string) => {
      const request = { transactionalId, transactionTimeoutMs: 60_000, producerId: -1n, producerEpoch: -1 };
      return (await client.call<Coded>(INIT_PRODUCER_ID, 4, request)).errorCode;
    };
    expect(await init('x'.repeat(1_025))).toBe(INVALID_REQUEST);
    expect(await init('first')).toBe(0);
    expect(await init('second')).toBe(POLICY_VIOLATION);
    expect(await init('first')).toBe(0);
  });
});

describe('max.broker.partitions', () => {
  it('limits the partitions of all topics, except internal ones', async () => {
    await using broker = await startTestBroker({ settings: { 'max.broker.partitions': '6' } });
    using client = await connect(broker);
    // One partition is that of __consumer_offsets.
    expect(await createTopics(client, [topicNamed('rides', 3)])).toEqual([0]);
    expect(await createTopics(client, [topicNamed('trips', 3)])).toEqual([POLICY_VIOLATION]);
    const grown = async (count: number) => {
      const topics = [{ name: 'rides', count, assignments: null }];
      const request = { topics, timeoutMs: 1000, validateOnly: false };
      return (await client.call<{ results: Coded[] }>(CREATE_PARTITIONS, 1, request)).results[0]?.errorCode;
    };
    expect(await grown(6)).toBe(POLICY_VIOLATION);
    expect(await grown(5)).toBe(0);
    const request = { transactionalId: 'loader', transactionTimeoutMs: 60_000 };
    expect(await client.call(INIT_PRODUCER_ID, 1, request)).toMatchObject({ errorCode: 0 });
  });
});
