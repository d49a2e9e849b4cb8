import { createAdmin, createProducer } from '@hailstream/log';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { kafkaClasspath, kafkaTool, startKafka, type RunningKafka } from '@hailstream/tools/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRouterFile, type JobSpec } from '../../src/router-file/router-file.js';
import { consumeCommitted } from '../_console-consumer.js';
import { connectionTo, run, silent } from '../_util.js';

const PARTITIONS = 3;
const KEYS = 20;

let kafka: RunningKafka;
let address: string;
beforeAll(async () => {
  kafka = await startKafka({ brokers: 1 });
  address = kafka.addresses[0]!;
});
afterAll(() => kafka[Symbol.asyncDispose]());

function mirror(topic: string, name = 'mirror'): JobSpec {
  const sink = { type: 'kafka', brokers: [address] };
  const job = { name, topics: [topic], sink, batching: { records: 100 } };
  return parseRouterFile(JSON.stringify({ jobs: [job] }), 'router.yaml')[0]!;
}

/** Appends records; each value is the number of the record. */
async function append(
  broker: { readonly address: string },
  topic: string,
  numbers: { readonly from: number; readonly to: number },
): Promise<void> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  await admin.ensureTopics([
    { name: topic, partitions: PARTITIONS, configs: { 'retention.ms': '86400000' } },
  ]);
  await using producer = createProducer({ connection, logger: silent });
  const results = await producer.send(
    Array.from({ length: numbers.to - numbers.from }, (_, index) => ({
      topic,
      key: `vehicle-${(numbers.from + index) % KEYS}`,
      value: String(numbers.from + index),
    })),
  );
  for (const result of results) if (result.kind === 'failed') throw result.error;
}

/** Requires that the console consumer reads the numbers below `count`, each once, in order of each key. */
async function expectOnceInOrder(topic: string, count: number): Promise<void> {
  const numbers: number[] = [];
  const last = new Map<string, number>();
  const places = new Set<string>();
  await consumeCommitted(address, topic, ({ partition, headers, key, value }) => {
    expect(Number(value)).toBeGreaterThan(last.get(key) ?? -1);
    last.set(key, Number(value));
    numbers.push(Number(value));
    expect(headers.get('mirror-source-topic')).toBe(topic);
    expect(headers.get('mirror-source-partition')).toBe(String(partition));
    places.add(`${partition}/${headers.get('mirror-source-offset')}`);
  });
  expect(numbers.toSorted((one, other) => one - other)).toEqual(Array.from({ length: count }, (_, n) => n));
  expect(places.size).toBe(count);
}

/** How far the job has been delivered, in records. */
async function delivered(
  broker: { readonly address: string },
  topic: string,
  group: string,
): Promise<number> {
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  return [...(await admin.committed(group, topic)).values()].reduce((sum, offset) => sum + Number(offset), 0);
}

/** Resets the offsets of a group to the first records, with Kafka's own tool. */
async function resetOffsets(
  broker: { readonly address: string },
  group: string,
  topic: string,
): Promise<void> {
  const where = ['--bootstrap-server', broker.address, '--group', group, '--topic', topic];
  const { exitCode, stdout, stderr } = await kafkaTool(
    await kafkaClasspath(),
    'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
    [...where, '--reset-offsets', '--to-earliest', '--execute'],
  );
  expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' });
}

describe('Apache Kafka', () => {
  it('has every record once and in order per key after interruptions, and after it was killed', async () => {
    await using source = await startTestBroker();
    const topic = 'interrupted';
    await append(source, topic, { from: 0, to: 6_000 });
    for (const target of [600, 1_800]) {
      const stop = new AbortController();
      const interrupted = run(source, [mirror(topic)], { signal: stop.signal });
      await until(async () => (await delivered(source, topic, 'router-mirror')) > target);
      stop.abort();
      await interrupted;
    }
    const running = run(source, [mirror(topic)]);
    await until(async () => (await delivered(source, topic, 'router-mirror')) > 3_000);
    await kafka.kill(0);
    await kafka.restart(0);
    await running;
    expect(await delivered(source, topic, 'router-mirror')).toBe(6_000);
    await expectOnceInOrder(topic, 6_000);
  });

  it('has no record twice after an operator has reset the group of the job to the first records', async () => {
    await using source = await startTestBroker();
    const topic = 'replayed';
    await append(source, topic, { from: 0, to: 1_000 });
    await run(source, [mirror(topic)]);
    await resetOffsets(source, 'router-mirror', topic);
    expect(await delivered(source, topic, 'router-mirror')).toBe(0);
    await append(source, topic, { from: 1_000, to: 1_500 });
    await run(source, [mirror(topic)]);
    await expectOnceInOrder(topic, 1_500);
  });

  it('has topics with the partitions and settings of the source', async () => {
    await using source = await startTestBroker();
    const topic = 'created';
    await append(source, topic, { from: 0, to: 10 });
    await run(source, [mirror(topic)]);
    await using admin = createAdmin({ connection: connectionTo({ address }), logger: silent });
    expect((await admin.offsets(topic)).size).toBe(PARTITIONS);
    expect((await admin.configs(topic)).get('retention.ms')).toBe('86400000');
  });
});
