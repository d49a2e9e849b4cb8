import { describe, expect, it } from 'vitest';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';

const METADATA = 3;
const DESCRIBE_CONFIGS = 32;
const ALTER_CONFIGS = 33;
const INCREMENTAL_ALTER_CONFIGS = 44;
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;
const INVALID_CONFIG = 40;
const INVALID_REQUEST = 42;
const UNKNOWN_TOPIC = 3;
/** Where a value comes from, with Kafka's numbers. */
const FROM = { topic: 1, dynamicBroker: 2, staticBroker: 4, default: 5 };

const TOPIC = { resourceType: 2, resourceName: 'rides' };
const BROKER = { resourceType: 4, resourceName: '1' };

type Resource = typeof TOPIC;
interface Altered {
  readonly responses: { readonly errorCode: number; readonly errorMessage: string | null }[];
}
type Change = readonly [name: string, operation: number, value: string | null];

/** A broker with the topic, and a client of it. */
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
  it('replaces all that was set on a topic, and keeps it over a crash', async () => {
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

  it('changes nothing where one value is wrong, or where it is only asked', async () => {
    await using own = await start();
    const { client } = own;
    const wrong = await replace(client, TOPIC, { 'retention.ms': '5000', 'segment.bytes': 'many' });
    expect(wrong).toMatchObject({
      errorCode: INVALID_CONFIG,
      errorMessage: expect.stringMatching(/segment\.bytes/),
    });
    expect((await replace(client, TOPIC, { 'retention.ms': '5000' }, true))?.errorCode).toBe(0);
    expect((await replace(client, TOPIC, { 'no.such.setting': '1' }, true))?.errorCode).toBe(INVALID_CONFIG);
    expect((await describeSetting(client, TOPIC, 'retention.ms'))?.source).toBe(FROM.staticBroker);
  });

  it('refuses topics, brokers and kinds of resources that there are not', async () => {
    await using own = await start();
    const codeFor = async (resource: Resource) => (await replace(own.client, resource, {}))?.errorCode;
    expect(await codeFor({ resourceType: 2, resourceName: 'no-such-topic' })).toBe(UNKNOWN_TOPIC);
    expect(await codeFor({ resourceType: 4, resourceName: '7' })).toBe(INVALID_REQUEST);
    expect(await codeFor({ resourceType: 8, resourceName: '' })).toBe(INVALID_REQUEST);
  });
});

describe('IncrementalAlterConfigs', () => {
  it('sets and deletes one at a time, and leaves the others', async () => {
    await using own = await start();
    const { client } = own;
    await change(client, TOPIC, [
      ['retention.ms', SET, '5000'],
      ['segment.bytes', SET, '4096'],
    ]);
    expect((await change(client, TOPIC, [['retention.ms', DELETE, null]]))?.errorCode).toBe(0);
    expect((await describeSetting(client, TOPIC, 'retention.ms'))?.source).toBe(FROM.staticBroker);
    expect(await describeSetting(client, TOPIC, 'segment.bytes')).toEqual({
      value: '4096',
      source: FROM.topic,
    });
  });

  it('adds to lists and takes from them, and from nothing else', async () => {
    await using own = await start();
    const { client } = own;
    const policy = async () => (await describeSetting(client, TOPIC, 'cleanup.policy'))?.value;
    await change(client, TOPIC, [['cleanup.policy', APPEND, 'compact']]);
    expect(await policy()).toBe('delete,compact');
    await change(client, TOPIC, [['cleanup.policy', APPEND, 'compact']]);
    expect(await policy()).toBe('delete,compact');
    await change(client, TOPIC, [['cleanup.policy', SUBTRACT, 'delete']]);
    expect(await policy()).toBe('compact');
    expect((await change(client, TOPIC, [['retention.ms', APPEND, '1']]))?.errorCode).toBe(INVALID_CONFIG);
  });

  it('makes all changes of a resource or none', async () => {
    await using own = await start();
    const { client } = own;
    const half = await change(client, TOPIC, [
      ['retention.ms', SET, '5000'],
      ['segment.bytes', SET, '-1'],
    ]);
    expect(half?.errorCode).toBe(INVALID_CONFIG);
    const asked = await change(client, TOPIC, [['retention.ms', SET, '5000']], true);
    expect(asked?.errorCode).toBe(0);
    expect((await change(client, TOPIC, [['retention.ms', 9, '5000']]))?.errorCode).toBe(INVALID_REQUEST);
    expect((await change(client, TOPIC, [['retention.ms', SET, null]]))?.errorCode).toBe(INVALID_CONFIG);
    expect((await describeSetting(client, TOPIC, 'retention.ms'))?.source).toBe(FROM.staticBroker);
  });

  it('alters the broker while it runs and for the next time, but not what is read at start', async () => {
    await using own = await start();
    const { client, broker } = own;
    expect((await change(client, BROKER, [['num.partitions', SET, '3']]))?.errorCode).toBe(0);
    const fixed = await change(client, BROKER, [['listener.security.protocol', SET, 'SASL_SSL']]);
    expect(fixed).toMatchObject({
      errorCode: INVALID_CONFIG,
      errorMessage: expect.stringMatching(/while the broker runs/),
    });
    await broker.restart();
    using after = await RawClient.connect(broker.port);
    expect(await describeSetting(after, BROKER, 'num.partitions')).toEqual({
      value: '3',
      source: FROM.dynamicBroker,
    });
    const { topics } = await after.call<{ topics: { partitions: unknown[] }[] }>(METADATA, 6, {
      topics: [{ name: 'made-now' }],
      allowAutoTopicCreation: true,
    });
    expect(topics[0]?.partitions).toHaveLength(3);
  });
});
