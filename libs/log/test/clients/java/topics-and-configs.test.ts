import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HANDLERS } from '../../../src/broker/handlers/index.js';
import { startTestBroker, type TestBroker } from '../../../src/testing.js';
import { KafkaClients, type KafkaTool } from './kafka-clients.js';

const RECORDS = 1_000;

let clients: KafkaClients;
let broker: TestBroker;
beforeAll(async () => {
  clients = await KafkaClients.find();
});
beforeEach(async () => {
  broker = await startTestBroker();
});
afterEach(() => broker.stop());

/** The output of a tool that is expected to succeed. */
function run(tool: KafkaTool, ...args: string[]): Promise<string> {
  return clients.run(tool, ['--bootstrap-server', broker.address, ...args]);
}

/** The output of a tool that is expected to be refused. */
async function refused(tool: KafkaTool, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await clients.try(tool, [
    '--bootstrap-server',
    broker.address,
    ...args,
  ]);
  expect(exitCode).toBe(1);
  return stdout + stderr;
}

async function produce(topic: string, count = RECORDS): Promise<void> {
  const what = ['--num-records', String(count), '--record-size', '100', '--throughput', '-1'];
  await run('kafka-producer-perf-test', '--topic', topic, ...what);
}

/** Offsets by partition. */
async function offsets(...args: string[]): Promise<number[]> {
  const lines = (await run('kafka-get-offsets', ...args)).trim().split('\n');
  return lines.map((line) => Number(line.split(':').at(-1)));
}

describe('kafka-topics', () => {
  it('creates, describes, extends, lists and deletes topics', async () => {
    const createArguments = [
      '--create',
      '--topic',
      'rides',
      '--partitions',
      '3',
      '--config',
      'retention.ms=1000000',
    ];
    expect(await run('kafka-topics', ...createArguments)).toContain('Created topic rides.');
    expect(await refused('kafka-topics', ...createArguments)).toContain("Topic 'rides' already exists");
    expect(await run('kafka-topics', ...createArguments, '--if-not-exists')).not.toContain('Created');
    expect(await run('kafka-topics', '--describe', '--topic', 'rides')).toMatch(
      /Topic: rides\tTopicId: \S{22}\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: retention.ms=1000000\n/,
    );
    await run('kafka-topics', '--alter', '--topic', 'rides', '--partitions', '5');
    expect(await refused('kafka-topics', '--alter', '--topic', 'rides', '--partitions', '2')).toContain(
      'InvalidPartitionsException',
    );
    const grown = await run('kafka-topics', '--describe', '--topic', 'rides');
    expect(grown.match(/Partition: \d\tLeader: 1\tReplicas: 1\tIsr: 1/g)).toHaveLength(5);
    expect(await refused('kafka-topics', '--create', '--topic', 'a b')).toContain('InvalidTopicException');
    await run('kafka-topics', '--delete', '--topic', 'rides');
    expect(await run('kafka-topics', '--list', '--exclude-internal')).toBe('\n');
    expect(await refused('kafka-topics', '--describe', '--topic', 'rides')).toContain(
      "Topic 'rides' does not exist",
    );
  });

  it('refuses a replication factor larger than the number of brokers', async () => {
    const output = await refused('kafka-topics', '--create', '--topic', 'rides', '--replication-factor', '3');
    expect(output).toContain('InvalidReplicationFactorException');
  });
});

describe('kafka-configs', () => {
  it('alters and describes a topic', async () => {
    const topic = ['--entity-type', 'topics', '--entity-name', 'rides'];
    await run('kafka-topics', '--create', '--topic', 'rides');
    await run(
      'kafka-configs',
      '--alter',
      ...topic,
      '--add-config',
      'retention.ms=5000,cleanup.policy=[compact,delete]',
    );
    expect(await run('kafka-configs', '--describe', ...topic)).toMatch(
      /cleanup.policy=compact,delete .*synonyms={DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact,delete.*}\n.*retention.ms=5000 /,
    );
    expect(
      await refused('kafka-configs', '--alter', ...topic, '--add-config', 'retention.ms=long'),
    ).toContain('InvalidConfigurationException');
    await run('kafka-configs', '--alter', ...topic, '--delete-config', 'retention.ms,cleanup.policy');
    expect(await run('kafka-configs', '--describe', ...topic)).not.toContain('retention.ms');
    const all = await run('kafka-configs', '--describe', '--all', ...topic);
    expect(all).toContain('  retention.ms=604800000 ');
    expect(all).toContain('  cleanup.policy=delete ');
  });

  it('alters and describes the broker, and all brokers', async () => {
    const one = ['--entity-type', 'brokers', '--entity-name', '1'];
    const every = ['--entity-type', 'brokers', '--entity-default'];
    await run('kafka-configs', '--alter', ...one, '--add-config', 'log.flush.interval.ms=500');
    await run('kafka-configs', '--alter', ...every, '--add-config', 'message.max.bytes=500000');
    const described = await run('kafka-configs', '--describe', ...one);
    expect(described).toContain('log.flush.interval.ms=500 ');
    expect(described).not.toContain('message.max.bytes');
    expect(await run('kafka-configs', '--describe', '--all', ...one)).toMatch(
      /message.max.bytes=500000 .*synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:message.max.bytes=500000/,
    );
    const defaults = await run('kafka-configs', '--describe', ...every);
    expect(defaults).toContain('message.max.bytes=500000 ');
    expect(defaults).not.toContain('log.flush.interval.ms');
    expect(await refused('kafka-configs', '--alter', ...one, '--add-config', 'broker.id=2')).toContain(
      'broker.id',
    );
    await run('kafka-configs', '--alter', ...every, '--delete-config', 'message.max.bytes');
    await run('kafka-configs', '--alter', ...one, '--delete-config', 'log.flush.interval.ms');
    expect(await run('kafka-configs', '--describe', ...one)).not.toMatch(/interval|max.bytes/);
  });
});

describe('tools that read records and broker metadata', () => {
  it('delete records and list the remaining offsets, also by timestamp', async () => {
    await run('kafka-topics', '--create', '--topic', 'rides', '--partitions', '2');
    const startedAt = Date.now();
    await produce('rides');
    const ends = await offsets('--topic', 'rides');
    expect(ends.reduce((sum, end) => sum + end)).toBe(RECORDS);
    const partitions = [
      { topic: 'rides', partition: 0, offset: 10 },
      { topic: 'rides', partition: 1, offset: -1 },
    ];
    const file = { 'offsets.json': JSON.stringify({ partitions, version: 1 }) };
    const args = ['--bootstrap-server', broker.address, '--offset-json-file', 'offsets.json'];
    const output = await clients.run('kafka-delete-records', args, file);
    expect(output).toContain('partition: rides-0\tlow_watermark: 10');
    expect(output).toContain(`partition: rides-1\tlow_watermark: ${ends[1]}`);
    expect(await offsets('--topic', 'rides', '--time', 'earliest')).toEqual([10, ends[1]]);
    expect(await offsets('--topic-partitions', 'rides:0', '--time', String(startedAt))).toEqual([10]);
    const [largest] = await offsets('--topic-partitions', 'rides:0', '--time', 'max-timestamp');
    expect(largest).toBeLessThan(ends[0] as number);
    expect(largest).toBeGreaterThanOrEqual(10);
  });

  it('describe the log directory, its size and its cluster', async () => {
    await run('kafka-topics', '--create', '--topic', 'rides');
    await produce('rides');
    const output = await run('kafka-log-dirs', '--describe', '--topic-list', 'rides');
    const { brokers } = JSON.parse(output.trim().split('\n').at(-1) as string) as LogDirs;
    expect(brokers).toMatchObject([{ broker: 1, logDirs: [{ error: null, logDir: broker.dataDir }] }]);
    expect(brokers[0]?.logDirs[0]?.partitions).toMatchObject([{ partition: 'rides-0', offsetLag: 0 }]);
    expect(brokers[0]?.logDirs[0]?.partitions[0]?.size).toBeGreaterThan(RECORDS * 100);
    const cluster = ['--bootstrap-server', broker.address];
    expect(await clients.run('kafka-cluster', ['cluster-id', ...cluster])).toMatch(
      /^Cluster ID: [\w-]{22}\n/,
    );
    expect(await clients.run('kafka-cluster', ['list-endpoints', ...cluster])).toMatch(
      /^1 +127\.0\.0\.1 +\d+ .*unfenced/m,
    );
  });

  it('list the supported API versions', async () => {
    const output = await run('kafka-broker-api-versions');
    const served = [...output.matchAll(/^\t\w+\((\d+)\): (\d+)(?: to (\d+))? \[usable: \d+\]/gm)].map(
      ([, key, first, last]) => [Number(key), Number(first), Number(last ?? first)],
    );
    expect(served.length).toBeGreaterThan(25);
    const advertised = [...HANDLERS.values()].map((handler) => [
      handler.apiKey,
      handler.advertisedMinVersion ?? handler.minVersion,
      handler.maxVersion,
    ]);
    const byKey = (a: readonly (number | undefined)[], b: readonly (number | undefined)[]) =>
      (a[0] ?? 0) - (b[0] ?? 0);
    expect(served.toSorted(byKey)).toEqual(advertised.toSorted(byKey));
  });
});

interface LogDirs {
  readonly brokers: readonly {
    readonly logDirs: readonly { readonly partitions: readonly { readonly size: number }[] }[];
  }[];
}
