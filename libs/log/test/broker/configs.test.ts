import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';

const PRODUCE = 0;
const METADATA = 3;
const DESCRIBE_CONFIGS = 32;
const ALTER_CONFIGS = 33;
const INCREMENTAL_ALTER_CONFIGS = 44;
const SET = 0;
const DELETE = 1;
const INVALID_TIMESTAMP = 32;
const INVALID_REQUEST = 42;
/** Config sources, as numbered in the protocol. */
const FROM = { topic: 1, dynamicBroker: 2, dynamicDefaultBroker: 3, staticBroker: 4, default: 5 };

const TOPIC = { resourceType: 2, resourceName: 'rides' };
const BROKER = { resourceType: 4, resourceName: '1' };
const ALL_BROKERS = { resourceType: 4, resourceName: '' };

type Resource = typeof TOPIC;
interface Altered {
  readonly responses: { readonly errorCode: number; readonly errorMessage: string | null }[];
}
type Change = readonly [name: string, operation: number, value: string | null];

/** A broker with the topic, and a client. */
async function start(): Promise<{ broker: TestBroker; client: RawClient } & AsyncDisposable> {
  const broker = await startTestBroker({ settings: { 'log.retention.hours': '24' } });
  const client = await RawClient.connect(broker.port);
  await client.call(METADATA, 6, { topics: [{ name: TOPIC.resourceName }], allowAutoTopicCreation: true });
  return {
    broker,
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await broker.stop();
    },
  };
}

async function describeSetting(client: RawClient, resource: Resource, name: string) {
  const { results } = await client.call<{
    results: { configs: { name: string; value: string; configSource: number }[] }[];
  }>(DESCRIBE_CONFIGS, 2, {
    resources: [{ ...resource, configurationKeys: [name] }],
    includeSynonyms: false,
  });
  const [found] = results[0]?.configs ?? [];
  return found === undefined ? undefined : { value: found.value, source: found.configSource };
}

async function replace(
  client: RawClient,
  resource: Resource,
  settings: Record<string, string>,
  validateOnly = false,
) {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const { responses } = await client.call<Altered>(ALTER_CONFIGS, 2, {
    resources: [{ ...resource, configs }],
    validateOnly,
  });
  return responses[0];
}

async function change(
  client: RawClient,
  resource: Resource,
  changes: readonly Change[],
  validateOnly = false,
) {
  const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }));
  const { responses } = await client.call<Altered>(INCREMENTAL_ALTER_CONFIGS, 1, {
    resources: [{ ...resource, configs }],
    validateOnly,
  });
  return responses[0];
}

describe('AlterConfigs', () => {
  it('replaces all configs of a topic and keeps them after a crash', async () => {
    await using own = await start();
    const { client, broker } = own;
    await replace(client, TOPIC, { 'retention.ms': '5000', 'segment.bytes': '4096' });
    expect((await replace(client, TOPIC, { 'segment.bytes': '8192' }))?.errorCode).toBe(0);
    const expectSettings = async (asked: RawClient) => {
      expect(await describeSetting(asked, TOPIC, 'segment.bytes')).toEqual({
        value: '8192',
        source: FROM.topic,
      });
      expect(await describeSetting(asked, TOPIC, 'retention.ms')).toEqual({
        value: String(24 * 3_600_000),
        source: FROM.staticBroker,
      });
    };
    await expectSettings(client);
    await broker.restart();
    using after = await RawClient.connect(broker.port);
    await expectSettings(after);
  });
});

describe('IncrementalAlterConfigs', () => {
  it('changes dynamic broker configs immediately and across restarts, and refuses static ones', async () => {
    await using own = await start();
    const { client, broker } = own;
    expect((await change(client, BROKER, [['message.max.bytes', SET, '3000']]))?.errorCode).toBe(0);
    const fixed = await change(client, BROKER, [['num.partitions', SET, '3']]);
    expect(fixed).toMatchObject({
      errorCode: INVALID_REQUEST,
      errorMessage: expect.stringMatching(/at run time/),
    });
    await broker.restart();
    using after = await RawClient.connect(broker.port);
    expect(await describeSetting(after, BROKER, 'message.max.bytes')).toEqual({
      value: '3000',
      source: FROM.dynamicBroker,
    });
    expect(await describeSetting(after, TOPIC, 'max.message.bytes')).toEqual({
      value: '3000',
      source: FROM.dynamicBroker,
    });
  });

  it('keeps the cluster-wide default below the config of this broker', async () => {
    await using own = await start();
    const { client, broker } = own;
    expect((await change(client, ALL_BROKERS, [['message.max.bytes', SET, '2000']]))?.errorCode).toBe(0);
    await change(client, BROKER, [['message.max.bytes', SET, '3000']]);
    expect((await describeSetting(client, BROKER, 'message.max.bytes'))?.value).toBe('3000');
    await change(client, BROKER, [['message.max.bytes', DELETE, null]]);
    await broker.restart();
    using after = await RawClient.connect(broker.port);
    expect(await describeSetting(after, BROKER, 'message.max.bytes')).toEqual({
      value: '2000',
      source: FROM.dynamicDefaultBroker,
    });
    const { results } = await after.call<{ results: { configs: { name: string }[] }[] }>(
      DESCRIBE_CONFIGS,
      2,
      {
        resources: [{ ...ALL_BROKERS, configurationKeys: null }],
        includeSynonyms: false,
      },
    );
    expect(results[0]?.configs.map(({ name }) => name)).toEqual(['message.max.bytes']);
  });

  it('returns all synonyms and the documentation', async () => {
    await using own = await start();
    await change(own.client, TOPIC, [['retention.ms', SET, '5000']]);
    const { results } = await own.client.call<{ results: { configs: object[] }[] }>(DESCRIBE_CONFIGS, 3, {
      resources: [{ ...TOPIC, configurationKeys: ['retention.ms'] }],
      includeSynonyms: true,
      includeDocumentation: true,
    });
    expect(results[0]?.configs).toEqual([
      expect.objectContaining({
        value: '5000',
        synonyms: [
          { name: 'retention.ms', value: '5000', source: FROM.topic },
          { name: 'log.retention.hours', value: '24', source: FROM.staticBroker },
          { name: 'log.retention.hours', value: '168', source: FROM.default },
        ],
        documentation: expect.stringMatching(/^Retention time/),
      }),
    ]);
  });
});

describe('configs of a running broker', () => {
  it('include its listeners, data directory and id', async () => {
    await using broker = await startTestBroker({ settings: { 'broker.id': '7', 'broker.rack': 'here' } });
    using client = await RawClient.connect(broker.port);
    const me = { resourceType: 4, resourceName: '7' };
    const valueOf = async (name: string) => (await describeSetting(client, me, name))?.value;
    expect(await valueOf('listeners')).toBe(`PLAINTEXT://127.0.0.1:${broker.port}`);
    expect(await valueOf('advertised.listeners')).toBe(`PLAINTEXT://127.0.0.1:${broker.port}`);
    expect(await valueOf('log.dirs')).toBe(broker.dataDir);
    expect(await valueOf('node.id')).toBe('7');
    const { brokers, clusterId } = await client.call<{ brokers: object[]; clusterId: string }>(METADATA, 6, {
      topics: [],
      allowAutoTopicCreation: false,
    });
    expect(brokers).toEqual([{ nodeId: 7, host: '127.0.0.1', port: broker.port, rack: 'here' }]);
    expect(await valueOf('cluster.id')).toBe(clusterId);
  });

  it('cannot contain two different ids', async () => {
    const settings = { 'broker.id': '7', 'node.id': '8' };
    await expect(startTestBroker({ settings })).rejects.toThrow(/broker\.id differs from node\.id/);
  });

  it('ignore a stored config that is no longer dynamic', async () => {
    await using own = await start();
    const file = path.join(own.broker.dataDir, 'topics.json');
    await own.broker.kill();
    const stored = JSON.parse(await fs.readFile(file, 'utf8')) as object;
    await fs.writeFile(
      file,
      JSON.stringify({ ...stored, brokerSettings: { 'num.partitions': '3', 'message.max.bytes': '2000' } }),
    );
    await own.broker.restart();
    using after = await RawClient.connect(own.broker.port);
    expect((await describeSetting(after, BROKER, 'message.max.bytes'))?.value).toBe('2000');
    expect((await describeSetting(after, BROKER, 'num.partitions'))?.value).toBe('1');
  });
});

describe('timestamps of records', () => {
  const produceAt = async (client: RawClient, timestamp: number) => {
    const batch = makeRecordBatch([{ key: null, value: Buffer.from('a') }], BigInt(timestamp));
    const { topics } = await client.call<{ topics: { partitions: { errorCode: number }[] }[] }>(PRODUCE, 7, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topics: [{ name: TOPIC.resourceName, partitions: [{ index: 0, records: [batch] }] }],
    });
    return topics[0]?.partitions[0]?.errorCode;
  };
  const HOUR_MS = 3_600_000;

  it('may be an hour in the future and arbitrarily old by default', async () => {
    await using own = await start();
    expect(await produceAt(own.client, Date.now() + 2 * HOUR_MS)).toBe(INVALID_TIMESTAMP);
    expect(await produceAt(own.client, Date.now() + HOUR_MS / 2)).toBe(0);
    expect(await produceAt(own.client, 1)).toBe(0);
    expect(await produceAt(own.client, -1)).toBe(0);
  });

  it('may differ as far as the topic allows, and are set by the broker with LogAppendTime', async () => {
    await using own = await start();
    await change(own.client, TOPIC, [
      ['message.timestamp.before.max.ms', SET, '60000'],
      ['message.timestamp.after.max.ms', SET, String(3 * HOUR_MS)],
    ]);
    expect(await produceAt(own.client, Date.now() + 2 * HOUR_MS)).toBe(0);
    expect(await produceAt(own.client, Date.now() - HOUR_MS)).toBe(INVALID_TIMESTAMP);
    await change(own.client, TOPIC, [['message.timestamp.type', SET, 'LogAppendTime']]);
    expect(await produceAt(own.client, Date.now() - HOUR_MS)).toBe(0);
  });
});

describe('min.insync.replicas', () => {
  it('counts as one if it exceeds the single replica, as in Kafka 4', async () => {
    await using own = await start();
    await change(own.client, TOPIC, [['min.insync.replicas', SET, '2']]);
    expect(await describeSetting(own.client, TOPIC, 'min.insync.replicas')).toMatchObject({ value: '2' });
    const batch = makeRecordBatch([{ key: null, value: Buffer.from('a') }], 1n);
    const { topics } = await own.client.call<{ topics: { partitions: { errorCode: number }[] }[] }>(
      PRODUCE,
      7,
      {
        transactionalId: null,
        acks: -1,
        timeoutMs: 1000,
        topics: [{ name: TOPIC.resourceName, partitions: [{ index: 0, records: [batch] }] }],
      },
    );
    expect(topics[0]?.partitions[0]?.errorCode).toBe(0);
  });
});

describe('connections', () => {
  it('from one address are limited immediately after the config was changed', async () => {
    await using own = await start();
    using second = await RawClient.connect(own.broker.port);
    await describeSetting(second, BROKER, 'node.id');
    await change(own.client, BROKER, [['max.connections.per.ip', SET, '2']]);
    using third = await RawClient.connect(own.broker.port);
    await third.closed;
    await change(own.client, BROKER, [['max.connections.per.ip', DELETE, null]]);
    using fourth = await RawClient.connect(own.broker.port);
    expect(await describeSetting(fourth, BROKER, 'node.id')).toMatchObject({ value: '1' });
  });
});
