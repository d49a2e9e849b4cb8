import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { Kafka, logLevel, type KafkaConfig } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HANDLERS } from '../../src/broker/handlers/index.js';
import { GUARDS, UNGUARDED } from '../../src/broker/handlers/guards/index.js';
import { startBroker } from '../../src/broker/index.js';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { RawClient, request } from './raw-client.js';
import { SAMPLE_GROUP, SAMPLE_TOPIC, sampleRequests } from './samples.js';

const PRODUCE = 0;
const METADATA = 3;
const OFFSET_COMMIT = 8;
const SASL_HANDSHAKE = 17;
const SASL_AUTHENTICATE = 36;

const TOPIC_DENIED = 29;
const GROUP_DENIED = 30;
const CLUSTER_DENIED = 31;
const ID_DENIED = 53;
const DENIED = [TOPIC_DENIED, GROUP_DENIED, CLUSTER_DENIED, ID_DENIED];

const PASSWORD = 'secret';
const ACLS = `
User:ingest  Write                     topic             ride.       prefixed
User:ingest  Write                     transactional-id  ingest-     prefixed
User:reader  Read                      topic             ride.trips
User:reader  Read                      group             readers-    prefixed
User:reader  Describe                  group             watched
User:ops     Create,Describe           cluster           kafka-cluster
User:ops     All                       topic             *
`;

/**
 * What a principal without ACLs gets from each API: error codes, or a list with nothing in it. An API that is not here fails
 * the test.
 */
const WITHOUT_ACLS: Record<string, readonly number[] | { readonly empty: string }> = {
  Produce: [TOPIC_DENIED],
  Fetch: [TOPIC_DENIED],
  ListOffsets: [TOPIC_DENIED],
  Metadata: [TOPIC_DENIED],
  OffsetCommit: [GROUP_DENIED],
  OffsetFetch: [GROUP_DENIED],
  FindCoordinator: [GROUP_DENIED],
  JoinGroup: [GROUP_DENIED],
  Heartbeat: [GROUP_DENIED],
  LeaveGroup: [GROUP_DENIED],
  SyncGroup: [GROUP_DENIED],
  DescribeGroups: [GROUP_DENIED],
  ListGroups: { empty: 'groups' },
  CreateTopics: [TOPIC_DENIED],
  DeleteTopics: [TOPIC_DENIED],
  DeleteRecords: [TOPIC_DENIED],
  InitProducerId: [CLUSTER_DENIED],
  OffsetForLeaderEpoch: [TOPIC_DENIED],
  AddPartitionsToTxn: [ID_DENIED],
  AddOffsetsToTxn: [ID_DENIED],
  EndTxn: [ID_DENIED],
  TxnOffsetCommit: [ID_DENIED],
  DescribeConfigs: [TOPIC_DENIED, CLUSTER_DENIED],
  AlterConfigs: [TOPIC_DENIED],
  DescribeLogDirs: { empty: 'results' },
  CreatePartitions: [TOPIC_DENIED],
  DeleteGroups: [GROUP_DENIED],
  IncrementalAlterConfigs: [TOPIC_DENIED],
  OffsetDelete: [GROUP_DENIED],
  // As in Kafka, every client may know the brokers.
  DescribeCluster: [],
  DescribeProducers: [TOPIC_DENIED],
  DescribeTransactions: [ID_DENIED],
  ListTransactions: { empty: 'transactionStates' },
};

let folder: string;
let broker: TestBroker;

beforeAll(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-acls-'));
  const users = ['root', 'nobody', 'ingest', 'reader', 'ops'].map((name) => `${name}:${PASSWORD}\n`);
  await fs.writeFile(path.join(folder, 'users'), users.join(''), { mode: 0o600 });
  await fs.writeFile(path.join(folder, 'acls'), ACLS);
  broker = await startTestBroker({
    settings: {
      'listener.security.protocol': 'SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN',
      'sasl.users.file': path.join(folder, 'users'),
      'acl.file': path.join(folder, 'acls'),
      'super.users': 'User:root;User:admin',
    },
  });
});
afterAll(async () => {
  await broker.stop();
  await fs.rm(folder, { recursive: true });
});

async function connectAs(user: string): Promise<RawClient> {
  const client = await RawClient.connect(broker.port);
  await client.call(SASL_HANDSHAKE, 1, { mechanism: 'PLAIN' });
  await client.call(SASL_AUTHENTICATE, 2, { authBytes: Buffer.from(`\0${user}\0${PASSWORD}`) });
  return client;
}

function kafkaAs(user: string): Kafka {
  const sasl: KafkaConfig['sasl'] = { mechanism: 'plain', username: user, password: PASSWORD };
  const retry = { retries: 1, initialRetryTime: 10 };
  return new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING, sasl, retry });
}

/** All error codes in a response. */
function codesIn(value: unknown): number[] {
  if (Array.isArray(value)) return value.flatMap(codesIn);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return [];
  return Object.entries(value).flatMap(([name, each]) =>
    name === 'errorCode' || name === 'partitionErrorCode' ? [each as number] : codesIn(each),
  );
}

const GUARDED = [...HANDLERS.values()].filter(({ apiKey }) => !UNGUARDED.has(apiKey));

describe('every supported API', () => {
  it('has a guard', () => {
    expect(GUARDED.filter(({ apiKey }) => !GUARDS.has(apiKey)).map(({ name }) => name)).toEqual([]);
    expect([...UNGUARDED].sort((a, b) => a - b)).toEqual([17, 18, 36]);
  });

  it('refuses a principal without ACLs in every version, and changes nothing', async () => {
    using root = await connectAs('root');
    using nobody = await connectAs('nobody');
    const samples = sampleRequests();
    const { topics: created } = await root.call<{ topics: { topicId: string }[] }>(
      METADATA,
      12,
      samples['Metadata'] as object,
    );
    const fetched = samples['Fetch'] as { topics: object[] };
    samples['Fetch'] = {
      ...fetched,
      topics: fetched.topics.map((topic) => ({ ...topic, topicId: created[0]?.topicId })),
    };
    await root.call(OFFSET_COMMIT, 7, samples['OffsetCommit'] as object);
    for (const { apiKey, name, minVersion, maxVersion } of GUARDED) {
      const expected = WITHOUT_ACLS[name];
      expect(expected, name).toBeDefined();
      for (let version = minVersion; version <= maxVersion; version++) {
        const answer = await nobody.call<Record<string, unknown>>(apiKey, version, samples[name] as object);
        if (expected !== undefined && 'empty' in expected) expect(answer[expected.empty], name).toEqual([]);
        else {
          // Fetch and others have a code for the request besides those of its parts.
          const { errorCode, ...parts } = answer;
          const codes = new Set([...codesIn(parts), ...(errorCode ? [errorCode] : [])]);
          expect(codes, `${name} ${version}`).toEqual(new Set(expected));
        }
      }
    }
    const { topics } = await root.call<{ topics: { name: string }[] }>(METADATA, 6, {
      topics: null,
      allowAutoTopicCreation: false,
    });
    const names = topics.map(({ name }) => name).filter((name) => !name.startsWith('__'));
    expect(names).toEqual([SAMPLE_TOPIC]);
  });

  it('serves a super user as a broker without ACLs does', async () => {
    using root = await connectAs('root');
    const samples = sampleRequests();
    for (const { apiKey, name, minVersion, maxVersion } of GUARDED) {
      for (let version = minVersion; version <= maxVersion; version++) {
        const sample = {
          ...samples[name],
          ...(name === 'JoinGroup' ? { groupId: `joined-${version}` } : {}),
        };
        const codes = codesIn(await root.call(apiKey, version, sample));
        expect(
          codes.filter((code) => DENIED.includes(code)),
          `${name} ${version}`,
        ).toEqual([]);
      }
    }
  });
});

describe('a request of which only a part is allowed', () => {
  it('is handled in part, and the other part is refused', async () => {
    using root = await connectAs('root');
    for (const name of ['ride.telemetry', 'ride.trips', 'other']) {
      await root.call(METADATA, 6, { topics: [{ name }], allowAutoTopicCreation: true });
    }
    using ingest = await connectAs('ingest');
    const [sample] = (sampleRequests()['Produce'] as { topics: { partitions: unknown }[] }).topics;
    const topics = ['other', 'ride.trips'].map((name) => ({ ...sample, name }));
    const produced = await ingest.call<{ topics: { name: string; partitions: { errorCode: number }[] }[] }>(
      PRODUCE,
      8,
      { transactionalId: null, acks: 1, timeoutMs: 1000, topics },
    );
    expect(Object.fromEntries(produced.topics.map((each) => [each.name, codesIn(each)]))).toEqual({
      other: [TOPIC_DENIED],
      'ride.trips': [0],
    });
    const all = await ingest.call<{ topics: { name: string; topicAuthorizedOperations: number }[] }>(
      METADATA,
      8,
      {
        topics: null,
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: true,
        includeTopicAuthorizedOperations: true,
      },
    );
    // Write is 4, Describe 8.
    const operations = (1 << 4) | (1 << 8);
    expect(all.topics.map((each) => [each.name, each.topicAuthorizedOperations])).toEqual([
      ['ride.telemetry', operations],
      ['ride.trips', operations],
    ]);
    expect(all).toMatchObject({ clusterAuthorizedOperations: 0 });
  });

  it('closes the connection of a producer that expects no response', async () => {
    using ingest = await connectAs('ingest');
    const produced = { ...sampleRequests()['Produce'], acks: 0 };
    ingest.send(request(PRODUCE, 8, 1, produced));
    await expect(ingest.frame()).rejects.toThrow('closed');
  });

  it('does not create topics that the principal may describe, but not create', async () => {
    using ingest = await connectAs('ingest');
    const asked = { topics: [{ name: 'ride.new' }], allowAutoTopicCreation: true };
    expect(codesIn(await ingest.call(METADATA, 6, asked))).toEqual([TOPIC_DENIED]);
    using ops = await connectAs('ops');
    expect(codesIn(await ops.call(METADATA, 6, asked))).toEqual([0, 0]);
  });
});

describe('kafkajs', () => {
  it('produces to and consumes from what the ACLs allow', async () => {
    const producer = kafkaAs('ingest').producer();
    await producer.connect();
    await producer.send({ topic: 'ride.trips', messages: [{ value: 'allowed' }] });
    const refused = producer.send({ topic: SAMPLE_TOPIC, messages: [{ value: 'refused' }] });
    await expect(refused).rejects.toMatchObject({ cause: { type: 'TOPIC_AUTHORIZATION_FAILED' } });
    await producer.disconnect();

    const transactional = kafkaAs('ingest').producer({
      transactionalId: 'ingest-1',
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await transactional.connect();
    const transaction = await transactional.transaction();
    await transaction.send({ topic: 'ride.trips', messages: [{ value: 'committed' }] });
    await transaction.commit();
    await transactional.disconnect();

    const values: string[] = [];
    const consumer = kafkaAs('reader').consumer({ groupId: 'readers-1' });
    await consumer.connect();
    await consumer.subscribe({ topics: ['ride.trips'], fromBeginning: true });
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          values.push(String(message.value));
          if (values.includes('committed')) resolve();
        },
      });
    });
    await consumer.disconnect();
    expect(values).toContain('allowed');
    expect(values).not.toContain('refused');
  });

  it('is refused what they do not', async () => {
    const producer = kafkaAs('ingest').producer({ transactionalId: 'other', idempotent: true });
    await producer.connect();
    await expect(producer.transaction()).rejects.toMatchObject({ name: 'KafkaJSGroupCoordinatorNotFound' });
    await producer.disconnect();

    const consumer = kafkaAs('reader').consumer({ groupId: 'watched' });
    await consumer.connect();
    await consumer.subscribe({ topics: ['ride.trips'] });
    const crashed = new Promise<Error>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error));
    });
    await consumer.run({ eachMessage: async () => undefined });
    expect(String(await crashed)).toMatch(/Group authorization failed/);
    await consumer.disconnect();

    const admin = kafkaAs('reader').admin();
    await admin.connect();
    expect(await admin.listTopics()).toEqual(['ride.trips']);
    expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).not.toContain(SAMPLE_GROUP);
    const created = admin.createTopics({ topics: [{ topic: 'mine' }] });
    await expect(created).rejects.toMatchObject({
      errors: [expect.objectContaining({ type: 'TOPIC_AUTHORIZATION_FAILED' })],
    });
    await admin.disconnect();
  });
});

describe('a broker with invalid ACLs', () => {
  it.each([
    [{ 'acl.file': '/no/such/file' }, /^cannot read acl\.file: ENOENT/],
    [{ 'super.users': 'User:root' }, /^super\.users has no effect without acl\.file/],
    [{ 'super.users': 'root' }, /^super\.users must be User:name/],
    [{ 'authorizer.class.name': 'org.example.Any' }, /acl\.file/],
  ])('does not start: %j', async (settings, message) => {
    const started = startBroker({ port: 0, dataDir: '/no/such/folder/is/made', settings });
    await expect(started).rejects.toThrow(message);
  });
});
