import { until } from '@hailstream/service/testing';
import { expect } from 'vitest';
import { nameOf } from '../../src/protocol/error-codes.js';
import { Api, only } from './apis.js';
import type { LogUnderTest } from './log-under-test.js';
import { area, each } from './scenario.js';
import { batchOf } from './topic-under-test.js';

const TOPIC = 2;
const BROKER = 4;
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;
/** Config sources, as numbered in the protocol. */
const FROM_TOPIC = 1;
const DEFAULT = 5;

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

type Change = readonly [name: string, operation: number, value: string | null];

interface Described {
  readonly errorCode: number;
  readonly configs: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly configSource: number;
    readonly isDefault: boolean;
    readonly readOnly: boolean;
    readonly synonyms: { name: string; value: string | null; source: number }[];
    readonly configType: number;
    readonly documentation: string | null;
  }[];
}

async function describe(
  log: LogUnderTest,
  resource: Resource,
  names: readonly string[] | null,
  {
    version = 4,
    ...fields
  }: { version?: number; includeSynonyms?: boolean; includeDocumentation?: boolean } = {},
): Promise<Described> {
  const { results } = await log.ask<{ results: Described[] }>(Api.DescribeConfigs, version, {
    resources: [{ ...resource, configurationKeys: names }],
    includeSynonyms: false,
    includeDocumentation: false,
    ...fields,
  });
  return only(results);
}

async function valueOf(
  log: LogUnderTest,
  resource: Resource,
  name: string,
): Promise<string | null | undefined> {
  return (await describe(log, resource, [name])).configs[0]?.value;
}

async function replace(
  log: LogUnderTest,
  resource: Resource,
  configs: Record<string, string | null>,
  fields: object = {},
) {
  const { responses } = await log.ask<{ responses: { errorCode: number }[] }>(Api.AlterConfigs, 2, {
    resources: [{ ...resource, configs: Object.entries(configs).map(([name, value]) => ({ name, value })) }],
    validateOnly: false,
    ...fields,
  });
  return nameOf(only(responses).errorCode);
}

async function change(
  log: LogUnderTest,
  resource: Resource,
  changes: readonly Change[],
  { version = 1, validateOnly = false } = {},
) {
  const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }));
  const { responses } = await log.ask<{ responses: { errorCode: number }[] }>(
    Api.IncrementalAlterConfigs,
    version,
    { resources: [{ ...resource, configs }], validateOnly },
  );
  return nameOf(only(responses).errorCode);
}

async function newTopic(log: LogUnderTest, configs: Record<string, string> = {}): Promise<Resource> {
  const { name } = await log.topic({ configs });
  return { resourceType: TOPIC, resourceName: name };
}

/** Kafka applies changes shortly after it has responded. */
async function untilValue(log: LogUnderTest, resource: Resource, name: string, value: string): Promise<void> {
  await until(async () => (await valueOf(log, resource, name)) === value);
}

export const describeConfigsArea = area('DescribeConfigs', {
  ...each([1, 2, 3, 4], 'version $ returns values and their sources', async (log, version) => {
    const topic = await newTopic(log, { 'retention.ms': '5000' });
    const { errorCode, configs } = await describe(log, topic, ['retention.ms', 'cleanup.policy'], {
      version,
    });
    expect(errorCode).toBe(0);
    const values = configs.map(({ name, value, configSource }) => [name, value, configSource]).sort();
    expect(values).toEqual([
      ['cleanup.policy', 'delete', DEFAULT],
      ['retention.ms', '5000', FROM_TOPIC],
    ]);
  }),
  "returns Kafka's default topic configs": async (log) => {
    const topic = await newTopic(log);
    const { configs } = await describe(log, topic, null);
    const values = Object.fromEntries(configs.map(({ name, value }) => [name, value]));
    expect(values).toMatchObject({
      'cleanup.policy': 'delete',
      'compression.type': 'producer',
      'delete.retention.ms': '86400000',
      'max.message.bytes': '1048588',
      'message.timestamp.type': 'CreateTime',
      'retention.bytes': '-1',
      'retention.ms': '604800000',
      'segment.bytes': '1073741824',
    });
  },
  'omits unknown configs': async (log) => {
    const { errorCode, configs } = await describe(log, await newTopic(log), ['no.such.config']);
    expect({ errorCode, configs }).toEqual({ errorCode: 0, configs: [] });
  },
  'returns synonyms if requested': async (log) => {
    const topic = await newTopic(log, { 'max.message.bytes': '5000' });
    const described = await describe(log, topic, ['max.message.bytes'], { includeSynonyms: true });
    const [first, ...others] = only(described.configs).synonyms;
    expect(first).toEqual({ name: 'max.message.bytes', value: '5000', source: FROM_TOPIC });
    expect(others.at(-1)).toEqual({ name: 'message.max.bytes', value: '1048588', source: DEFAULT });
    expect(only((await describe(log, topic, ['max.message.bytes'])).configs).synonyms).toEqual([]);
  },
  'returns documentation if requested': async (log) => {
    const topic = await newTopic(log);
    const explained = only(
      (await describe(log, topic, ['retention.ms'], { includeDocumentation: true })).configs,
    );
    expect(explained.documentation).toMatch(/\w+/);
    expect(explained.configType).toBe(5);
    expect(only((await describe(log, topic, ['retention.ms'])).configs).documentation).toBeNull();
  },
  'refuses unknown topics and brokers': async (log) => {
    const error = async (resourceType: number, resourceName: string) =>
      nameOf((await describe(log, { resourceType, resourceName }, null)).errorCode);
    expect(await error(TOPIC, log.name())).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await error(TOPIC, 'a b')).toBe('INVALID_TOPIC_EXCEPTION');
    expect(await error(BROKER, '777')).toBe('INVALID_REQUEST');
    expect(await error(BROKER, 'first')).toBe('INVALID_REQUEST');
    expect(await error(99, 'x')).toBe('INVALID_REQUEST');
  },
  'marks the static broker configs as read-only': async (log) => {
    const { nodeId } = (await log.metadata([])).brokers[0] as { nodeId: number };
    const { configs } = await describe(log, { resourceType: BROKER, resourceName: String(nodeId) }, [
      'node.id',
      'message.max.bytes',
    ]);
    const values = configs.map(({ name, value, readOnly }) => [name, value, readOnly]).sort();
    expect(values).toEqual([
      ['message.max.bytes', '1048588', false],
      ['node.id', String(nodeId), true],
    ]);
  },
});

export const alterConfigsArea = area('AlterConfigs', {
  'replaces all configs of a topic': async (log) => {
    const topic = await newTopic(log, { 'retention.ms': '5000', 'segment.bytes': '2000000' });
    expect(await replace(log, topic, { 'segment.bytes': '3000000' })).toBe('NONE');
    await untilValue(log, topic, 'segment.bytes', '3000000');
    await untilValue(log, topic, 'retention.ms', '604800000');
  },
  'changes nothing if one value is invalid, or with validate_only': async (log) => {
    const topic = await newTopic(log);
    expect(await replace(log, topic, { 'retention.ms': '5000', 'segment.bytes': 'many' })).toBe(
      'INVALID_CONFIG',
    );
    expect(await replace(log, topic, { 'retention.ms': '5000' }, { validateOnly: true })).toBe('NONE');
    expect(await replace(log, topic, { 'no.such.config': '1' }, { validateOnly: true })).toBe(
      'INVALID_CONFIG',
    );
    expect(await replace(log, topic, { 'retention.ms': null })).not.toBe('NONE');
    expect(await valueOf(log, topic, 'retention.ms')).toBe('604800000');
  },
  'refuses unknown topics and configs': async (log) => {
    const error = (resourceType: number, resourceName: string) =>
      replace(log, { resourceType, resourceName }, {});
    expect(await error(TOPIC, log.name())).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await error(BROKER, '777')).toBe('INVALID_REQUEST');
    expect(await error(99, 'x')).toBe('INVALID_REQUEST');
  },
});

export const incrementalAlterConfigsArea = area('IncrementalAlterConfigs', {
  ...each([0, 1], 'version $ sets and deletes one config and keeps the others', async (log, version) => {
    const topic = await newTopic(log, { 'retention.ms': '5000', 'segment.bytes': '2000000' });
    expect(await change(log, topic, [['retention.ms', DELETE, null]], { version })).toBe('NONE');
    await untilValue(log, topic, 'retention.ms', '604800000');
    expect(await change(log, topic, [['max.message.bytes', SET, '3000']], { version })).toBe('NONE');
    await untilValue(log, topic, 'max.message.bytes', '3000');
    expect(await valueOf(log, topic, 'segment.bytes')).toBe('2000000');
  }),
  'appends to and subtracts from list configs only': async (log) => {
    const topic = await newTopic(log);
    expect(await change(log, topic, [['cleanup.policy', APPEND, 'compact']])).toBe('NONE');
    await untilValue(log, topic, 'cleanup.policy', 'delete,compact');
    expect(await change(log, topic, [['cleanup.policy', SUBTRACT, 'delete']])).toBe('NONE');
    await untilValue(log, topic, 'cleanup.policy', 'compact');
    expect(await change(log, topic, [['retention.ms', APPEND, '1']])).toBe('INVALID_CONFIG');
    expect(await change(log, topic, [['retention.ms', SUBTRACT, '1']])).toBe('INVALID_CONFIG');
  },
  'applies either all changes of a resource or none': async (log) => {
    const topic = await newTopic(log);
    const errors = [
      await change(log, topic, [
        ['retention.ms', SET, '5000'],
        ['segment.bytes', SET, '-1'],
      ]),
      await change(log, topic, [
        ['retention.ms', SET, '5000'],
        ['no.such.config', SET, '1'],
      ]),
      await change(log, topic, [['retention.ms', SET, 'long']]),
      await change(log, topic, [['retention.ms', SET, null]]),
      await change(log, topic, [
        ['retention.ms', SET, '5000'],
        ['retention.ms', SET, '6000'],
      ]),
    ];
    expect(errors).toEqual([
      'INVALID_CONFIG',
      'INVALID_CONFIG',
      'INVALID_CONFIG',
      'INVALID_REQUEST',
      'INVALID_REQUEST',
    ]);
    expect(await change(log, topic, [['retention.ms', SET, '5000']], { validateOnly: true })).toBe('NONE');
    expect(await valueOf(log, topic, 'retention.ms')).toBe('604800000');
  },
  'applies to the next produce request': async (log) => {
    const topic = await log.topic();
    const resource = { resourceType: TOPIC, resourceName: topic.name };
    await change(log, resource, [['max.message.bytes', SET, '500']]);
    await until(
      async () => (await topic.produce(batchOf([Buffer.alloc(1000)]))).error === 'MESSAGE_TOO_LARGE',
    );
    await change(log, resource, [['max.message.bytes', DELETE, null]]);
    await until(async () => (await topic.produce(batchOf([Buffer.alloc(1000)]))).error === 'NONE');
  },
  'refuses unknown resources and configs': async (log) => {
    const error = (resourceType: number, resourceName: string) =>
      change(log, { resourceType, resourceName }, [['retention.ms', SET, '5000']]);
    expect(await error(TOPIC, log.name())).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect(await error(BROKER, '777')).toBe('INVALID_REQUEST');
    expect(await error(99, 'x')).toBe('INVALID_REQUEST');
  },
  'refuses static broker configs': async (log) => {
    const { nodeId } = (await log.metadata([])).brokers[0] as { nodeId: number };
    const broker = { resourceType: BROKER, resourceName: String(nodeId) };
    expect(await change(log, broker, [['num.partitions', SET, '3']])).toBe('INVALID_REQUEST');
  },
});
