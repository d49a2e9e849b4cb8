import { until } from '@hailstream/service/testing';
import { expect } from 'vitest';
import { nameOf } from '../../src/protocol/error-codes.js';
import { Api, only } from './apis.js';
import type { LogUnderTest, NewTopic } from './log-under-test.js';
import { area, each } from './scenario.js';

const NO_UUID = '0'.repeat(32);
const TIMEOUT_MS = 30_000;

async function createError(log: LogUnderTest, topic: NewTopic): Promise<string> {
  return only(await log.create([topic])).error;
}

/** Deletes a topic. Resolves to the name of the error code. */
export async function deleteTopic(
  log: LogUnderTest,
  topic: { name?: string; topicId?: string },
  version = 6,
) {
  const { responses } = await log.ask<{
    responses: { name: string | null; topicId: string; errorCode: number }[];
  }>(Api.DeleteTopics, version, {
    topics: [{ name: topic.name ?? null, topicId: topic.topicId ?? NO_UUID }],
    topicNames: [topic.name ?? ''],
    timeoutMs: TIMEOUT_MS,
  });
  return nameOf(only(responses).errorCode);
}

interface Growth {
  readonly name: string;
  readonly count: number;
  readonly assignments?: readonly { brokerIds: number[] }[] | null;
}

async function grow(
  log: LogUnderTest,
  topics: readonly Growth[],
  { version = 3, validateOnly = false } = {},
) {
  const { results } = await log.ask<{ results: { name: string; errorCode: number }[] }>(
    Api.CreatePartitions,
    version,
    { topics: topics.map((topic) => ({ assignments: null, ...topic })), timeoutMs: TIMEOUT_MS, validateOnly },
  );
  return results.map(({ errorCode }) => nameOf(errorCode));
}

async function partitionsOf(log: LogUnderTest, name: string): Promise<number> {
  return only((await log.metadata([name])).topics).partitions.length;
}

async function errorOf(log: LogUnderTest, name: string): Promise<string> {
  return nameOf(only((await log.metadata([name])).topics).errorCode);
}

const BAD_NAMES = ['', '.', '..', 'a b', 'a/b', 'ü', 'a'.repeat(250)];

/** Invalid topics, with the broker's error for each. */
const BAD_TOPICS: Readonly<Record<string, { topic: NewTopic; error: string }>> = {
  '0 partitions': { topic: { numPartitions: 0 }, error: 'INVALID_PARTITIONS' },
  '-5 partitions': { topic: { numPartitions: -5 }, error: 'INVALID_PARTITIONS' },
  '0 replicas': { topic: { replicationFactor: 0 }, error: 'INVALID_REPLICATION_FACTOR' },
  '50 replicas': { topic: { replicationFactor: 50 }, error: 'INVALID_REPLICATION_FACTOR' },
  'partitions on unknown brokers': {
    topic: { assignments: [{ partitionIndex: 0, brokerIds: [777] }] },
    error: 'INVALID_REPLICA_ASSIGNMENT',
  },
  'partitions that do not start at 0': {
    topic: { assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
    error: 'INVALID_REPLICA_ASSIGNMENT',
  },
  'a partition without brokers': {
    topic: { assignments: [{ partitionIndex: 0, brokerIds: [] }] },
    error: 'INVALID_REPLICA_ASSIGNMENT',
  },
  'a partition with the same broker twice': {
    topic: { assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] },
    error: 'INVALID_REPLICA_ASSIGNMENT',
  },
  'both an assignment and a partition count': {
    topic: { numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
    error: 'INVALID_REQUEST',
  },
  'an unknown config': { topic: { configs: { 'no.such.config': '1' } }, error: 'INVALID_CONFIG' },
  'a config without a value': { topic: { configs: { 'retention.ms': null } }, error: 'INVALID_CONFIG' },
  'an invalid number': { topic: { configs: { 'retention.ms': 'long' } }, error: 'INVALID_CONFIG' },
  'a number that is too small': {
    topic: { configs: { 'max.message.bytes': '-1' } },
    error: 'INVALID_CONFIG',
  },
  'an unknown cleanup policy': {
    topic: { configs: { 'cleanup.policy': 'burn' } },
    error: 'INVALID_CONFIG',
  },
  'an unknown timestamp type': {
    topic: { configs: { 'message.timestamp.type': 'Now' } },
    error: 'INVALID_CONFIG',
  },
  'an unknown compression type': {
    topic: { configs: { 'compression.type': 'rar' } },
    error: 'INVALID_CONFIG',
  },
  'min.insync.replicas 0': { topic: { configs: { 'min.insync.replicas': '0' } }, error: 'INVALID_CONFIG' },
  'a ratio above 1': { topic: { configs: { 'min.cleanable.dirty.ratio': '1.5' } }, error: 'INVALID_CONFIG' },
};

export const createTopicsArea = area('CreateTopics', {
  ...each([2, 3, 4, 5, 6, 7], 'version $ creates a topic that can be written', async (log, version) => {
    const name = log.name();
    const created = only(
      await log.create([{ name, numPartitions: 2, configs: { 'retention.ms': '5000' } }], { version }),
    );
    expect(created).toMatchObject({ error: 'NONE', name });
    if (version >= 5) {
      expect(created.numPartitions).toBe(2);
      expect(created.configs?.find((config) => config.name === 'retention.ms')).toMatchObject({
        value: '5000',
        configSource: 1,
      });
    }
    if (version >= 7) expect(created.topicId).not.toBe(NO_UUID);
    await (await log.existingTopic(name)).append(['a'], {}, 1);
  }),
  ...each(BAD_NAMES, "refuses the name '$'", async (log, name) => {
    expect(await createError(log, { name })).toBe('INVALID_TOPIC_EXCEPTION');
  }),
  ...each(Object.keys(BAD_TOPICS), 'refuses $', async (log, what) => {
    const { topic, error } = BAD_TOPICS[what] as (typeof BAD_TOPICS)[string];
    const name = log.name();
    expect(await createError(log, { name, ...topic })).toBe(error);
    expect(await errorOf(log, name)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  }),
  'accepts the longest name': async (log) => {
    const name = log.name().padEnd(249, 'x');
    expect(await createError(log, { name })).toBe('NONE');
    await log.existingTopic(name);
  },
  'refuses an existing topic': async (log) => {
    const { name } = await log.topic();
    expect(await createError(log, { name, numPartitions: 5 })).toBe('TOPIC_ALREADY_EXISTS');
    expect(await partitionsOf(log, name)).toBe(1);
  },
  'refuses a name that differs from another one only in . and _': async (log) => {
    const name = log.name();
    expect(await createError(log, { name: `${name}.a` })).toBe('NONE');
    expect(await createError(log, { name: `${name}_a` })).toBe('INVALID_TOPIC_EXCEPTION');
  },
  'refuses a topic that the request contains twice, and creates the others': async (log) => {
    const [twice, once] = [log.name(), log.name()];
    const answers = await log.create([{ name: twice }, { name: twice }, { name: once }]);
    const errors = new Map(answers.map(({ name, error }) => [name, error]));
    expect(Object.fromEntries(errors)).toEqual({ [twice]: 'INVALID_REQUEST', [once]: 'NONE' });
    expect(await errorOf(log, twice)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  },
  'does not create the topic with validate_only': async (log) => {
    const name = log.name();
    expect(await log.create([{ name, numPartitions: 3 }], { validateOnly: true })).toMatchObject([
      { error: 'NONE', numPartitions: 3 },
    ]);
    expect(await log.create([{ name, numPartitions: 0 }], { validateOnly: true })).toMatchObject([
      { error: 'INVALID_PARTITIONS' },
    ]);
    expect(await errorOf(log, name)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  },
  'assigns partitions as requested': async (log) => {
    const { nodeId } = (await log.metadata([])).brokers[0] as { nodeId: number };
    const assignments = [1, 0].map((partitionIndex) => ({ partitionIndex, brokerIds: [nodeId] }));
    const { name } = await log.topic({ assignments });
    const { partitions } = only((await log.metadata([name])).topics);
    expect(
      partitions.map(({ leaderId, replicaNodes, isrNodes }) => ({ leaderId, replicaNodes, isrNodes })),
    ).toEqual([0, 1].map(() => ({ leaderId: nodeId, replicaNodes: [nodeId], isrNodes: [nodeId] })));
  },
  "uses the broker's num.partitions by default": async (log) => {
    const { numPartitions, error } = only(await log.create([{ numPartitions: -1 }]));
    expect(error).toBe('NONE');
    expect(numPartitions).toBeGreaterThan(0);
  },
});

export const deleteTopicsArea = area('DeleteTopics', {
  ...each([1, 2, 3, 4, 5, 6], 'version $ deletes a topic and its records', async (log, version) => {
    const topic = await log.topic();
    await topic.append(['a']);
    expect(await deleteTopic(log, topic, version)).toBe('NONE');
    await until(async () => (await errorOf(log, topic.name)) === 'UNKNOWN_TOPIC_OR_PARTITION');
    await until(async () => (await topic.fetch()).error === 'UNKNOWN_TOPIC_OR_PARTITION');
  }),
  'identifies a topic by id': async (log) => {
    const { name, topicId } = only(await log.create([{}]));
    await log.existingTopic(name);
    expect(await deleteTopic(log, { topicId })).toBe('NONE');
    await until(async () => (await errorOf(log, name)) === 'UNKNOWN_TOPIC_OR_PARTITION');
    expect(await deleteTopic(log, { topicId })).toBe('UNKNOWN_TOPIC_ID');
  },
  'refuses an unknown name and an unknown id': async (log) => {
    expect(await deleteTopic(log, { name: log.name() })).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await deleteTopic(log, { topicId: 'ab'.repeat(16) })).toBe('UNKNOWN_TOPIC_ID');
  },
  'refuses a topic with both a name and an id, and with neither': async (log) => {
    const { name, topicId } = only(await log.create([{}]));
    expect(await deleteTopic(log, { name, topicId })).toBe('INVALID_REQUEST');
    expect(await deleteTopic(log, {})).toBe('INVALID_REQUEST');
    await log.existingTopic(name);
  },
  'allows the name to be used again for an empty topic with another id': async (log) => {
    const first = only(await log.create([{}]));
    await (await log.existingTopic(first.name)).append(['old']);
    await deleteTopic(log, { name: first.name });
    await until(async () => (await createError(log, { name: first.name })) === 'NONE');
    const again = await log.existingTopic(first.name);
    expect(await again.values()).toEqual([]);
    expect(only((await log.metadata([first.name])).topics).topicId).not.toBe(first.topicId);
  },
  'deletes the committed offsets of the topic': async (log) => {
    const [topic, other] = [await log.topic(), await log.topic()];
    const group = await log.group();
    const member = await group.member();
    await member.commit(topic.name, 5n);
    await member.commit(other.name, 6n);
    await deleteTopic(log, topic);
    await until(async () => {
      const { topics } = await group.committed(null);
      return topics.length === 1 && topics[0]?.name === other.name;
    });
  },
});

export const createPartitionsArea = area('CreatePartitions', {
  ...each([0, 1, 2, 3], 'version $ adds partitions to a topic', async (log, version) => {
    const topic = await log.topic();
    await topic.append(['a']);
    expect(await grow(log, [{ name: topic.name, count: 3 }], { version })).toEqual(['NONE']);
    await until(async () => (await partitionsOf(log, topic.name)) === 3);
    const grown = await log.existingTopic(topic.name);
    await grown.append(['b'], {}, 2);
    expect(await grown.values()).toEqual(['a']);
  }),
  'refuses a count that is lower, equal or zero': async (log) => {
    const { name } = await log.topic({ numPartitions: 2 });
    for (const count of [1, 2, 0, -1]) {
      expect({ count, errors: await grow(log, [{ name, count }]) }).toEqual({
        count,
        errors: ['INVALID_PARTITIONS'],
      });
    }
    expect(await partitionsOf(log, name)).toBe(2);
  },
  'refuses an unknown topic': async (log) => {
    expect(await grow(log, [{ name: log.name(), count: 3 }])).toEqual(['UNKNOWN_TOPIC_OR_PARTITION']);
  },
  'refuses invalid assignments': async (log) => {
    const { name } = await log.topic();
    const errors = async (...brokerIds: number[][]) =>
      grow(log, [{ name, count: 2, assignments: brokerIds.map((ids) => ({ brokerIds: ids })) }]);
    expect(await errors([1], [1])).toEqual(['INVALID_REPLICA_ASSIGNMENT']);
    expect(await errors([777])).toEqual(['INVALID_REPLICA_ASSIGNMENT']);
    expect(await errors([])).toEqual(['INVALID_REPLICA_ASSIGNMENT']);
    expect(await partitionsOf(log, name)).toBe(1);
  },
  'adds no partitions with validate_only': async (log) => {
    const { name } = await log.topic();
    expect(await grow(log, [{ name, count: 3 }], { validateOnly: true })).toEqual(['NONE']);
    expect(await grow(log, [{ name, count: 1 }], { validateOnly: true })).toEqual(['INVALID_PARTITIONS']);
    expect(await partitionsOf(log, name)).toBe(1);
  },
  'refuses a topic that the request contains twice': async (log) => {
    const { name } = await log.topic();
    const errors = await grow(log, [
      { name, count: 2 },
      { name, count: 3 },
    ]);
    expect(new Set(errors)).toEqual(new Set(['INVALID_REQUEST']));
    expect(await partitionsOf(log, name)).toBe(1);
  },
});

export const metadataArea = area('Metadata', {
  ...each(
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    'version $ returns brokers and partitions',
    async (log, version) => {
      const { name } = await log.topic({ numPartitions: 2 });
      const { brokers, controllerId, topics } = await log.metadata([name], {}, version);
      expect(brokers).toHaveLength(log.addresses.length);
      const ids = brokers.map(({ nodeId }) => nodeId);
      // A client may send a request for the controller to any broker.
      if (version >= 1) expect(ids).toContain(controllerId);
      const { errorCode, isInternal, partitions } = only(topics);
      expect({ errorCode, isInternal }).toEqual({ errorCode: 0, isInternal: false });
      expect(partitions.map(({ partitionIndex }) => partitionIndex).sort()).toEqual([0, 1]);
      for (const { leaderId } of partitions) expect(ids).toContain(leaderId);
    },
  ),
  'returns all topics for null and none for an empty list': async (log) => {
    const { name } = await log.topic();
    expect((await log.metadata(null)).topics.map((topic) => topic.name)).toContain(name);
    expect((await log.metadata([])).topics).toEqual([]);
  },
  'returns all topics for an empty list in version 0': async (log) => {
    const { name } = await log.topic();
    expect((await log.metadata([], {}, 0)).topics.map((topic) => topic.name)).toContain(name);
  },
  'does not create a topic without allow_auto_topic_creation': async (log) => {
    const name = log.name();
    for (let i = 0; i < 2; i++) expect(await errorOf(log, name)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  },
  'creates a topic with allow_auto_topic_creation': async (log) => {
    const name = log.name();
    await log.metadata([name], { allowAutoTopicCreation: true });
    await (await log.existingTopic(name)).append(['a']);
  },
  ...each(BAD_NAMES, "refuses the name '$'", async (log, name) => {
    const { topics } = await log.metadata([name], { allowAutoTopicCreation: true });
    expect(nameOf(only(topics).errorCode)).toBe('INVALID_TOPIC_EXCEPTION');
  }),
  'identifies topics by id': async (log) => {
    const { name, topicId } = only(await log.create([{}]));
    await log.existingTopic(name);
    const byId = (id: string) => log.metadata(null, { topics: [{ name: null, topicId: id }] });
    expect(only((await byId(topicId)).topics)).toMatchObject({ errorCode: 0, name, topicId });
    expect(nameOf(only((await byId('ab'.repeat(16))).topics).errorCode)).toBe('UNKNOWN_TOPIC_ID');
  },
  'marks __consumer_offsets as internal': async (log) => {
    const group = await log.group();
    await (await group.member()).commit((await log.topic()).name, 1n);
    expect(only((await log.metadata(['__consumer_offsets'])).topics)).toMatchObject({
      errorCode: 0,
      isInternal: true,
    });
  },
  'returns the same cluster id and brokers as DescribeCluster': async (log) => {
    const { brokers, clusterId } = await log.metadata([]);
    for (const version of [0, 1]) {
      const cluster = await log.ask<{
        errorCode: number;
        clusterId: string;
        brokers: { brokerId: number; port: number }[];
      }>(Api.DescribeCluster, version, { includeClusterAuthorizedOperations: false, endpointType: 1 });
      expect(cluster).toMatchObject({ errorCode: 0, clusterId });
      expect(cluster.brokers.map(({ brokerId, port }) => [brokerId, port]).sort()).toEqual(
        brokers.map(({ nodeId, port }) => [nodeId, port]).sort(),
      );
    }
  },
});
