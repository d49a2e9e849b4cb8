import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { freePort } from '@hailstream/service/ports';
import { until } from '@hailstream/service/testing';
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleBroker, runBroker, type BrokerProcess } from './broker-process.js';

const TOPIC = 'rides';
const ROUNDS = 3;
/** kafkajs needs seconds to detect a lost connection. */
const TIMEOUT_MS = 180_000;
const PARTITIONS = 2;

let main: string;
let dataDir: string;
let running: BrokerProcess[] = [];

beforeAll(async () => {
  main = await bundleBroker('process');
});
beforeEach(async () => {
  dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-process-'));
});
afterEach(async () => {
  for (const { child, exited } of running) {
    child.kill('SIGKILL');
    await exited;
  }
  running = [];
  await fs.rm(dataDir, { recursive: true });
});

async function start(port: number): Promise<BrokerProcess> {
  const broker = runBroker(main, [
    '--port',
    String(port),
    '--data-dir',
    dataDir,
    '--set',
    'num.partitions=2',
  ]);
  running.push(broker);
  await until(() => broker.output().includes('listening') || broker.child.exitCode !== null);
  return broker;
}

function client(port: number): Kafka {
  return new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
    // kafkajs may never detect that the socket of a request was closed.
    requestTimeout: 2000,
    retry: { initialRetryTime: 30, retries: 20, maxRetryTime: 300 },
  });
}

describe('hailstream-broker', () => {
  it('exits with one line if an option is invalid, the port is in use or the data directory is locked', async () => {
    const port = await freePort();
    const first = await start(port);
    expect(first.output()).toContain(`listening on 127.0.0.1:${port}`);
    const cases: [string[], RegExp][] = [
      [['--port', String(port), '--data-dir', `${dataDir}/other`], /cannot listen on .*: the port is in use/],
      [['--port', '0', '--data-dir', dataDir], /is in use by the broker with process id \d+/],
      [['--port', 'many'], /--port must be a number/],
      [['--set', 'no.such.setting=1', '--data-dir', `${dataDir}/other`], /unknown setting no\.such\.setting/],
      [['--set', 'num.partitions=0', '--data-dir', `${dataDir}/other`], /num\.partitions must be at least 1/],
      [['--nonsense'], /--nonsense/],
      [
        ['--host', '0.0.0.0', '--port', '0', '--data-dir', `${dataDir}/other`],
        /listening on 0\.0\.0\.0 requires authentication: listener\.security\.protocol must be SASL_SSL/,
      ],
    ];
    for (const [args, message] of cases) {
      const { exited, output } = runBroker(main, args);
      expect(await exited).toBe(1);
      expect(output()).toMatch(message);
      expect(output().trim().split('\n')).toHaveLength(1);
    }
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(0);
  });

  it(
    'has every acknowledged record once and in order, and committed offsets do not decrease, after repeated kills',
    async () => {
      const port = await freePort();
      let broker = await start(port);
      const kafka = client(port);
      const acknowledged = await underKills({
        kafka,
        kill: async () => {
          broker.child.kill('SIGKILL');
          await broker.exited;
          broker = await start(port);
        },
      });
      const admin = kafka.admin();
      await admin.connect();
      const ends = await admin.fetchTopicOffsets(TOPIC);
      const seen = await readAll(
        kafka,
        ends.reduce((sum, { high }) => sum + Number(high), 0),
      );
      for (const [partition, values] of seen) {
        expect(values).toEqual([...values].sort((a, b) => a - b));
        expect(new Set(values).size).toBe(values.length);
        const has = new Set(values);
        const missing = acknowledged.values.filter(
          (value) => value % PARTITIONS === partition && !has.has(value),
        );
        expect(missing).toEqual([]);
      }
      const [committed] = await admin.fetchOffsets({ groupId: 'bookkeeper', topics: [TOPIC] });
      expect(Number(committed?.partitions.find(({ partition }) => partition === 0)?.offset)).toBe(
        acknowledged.committed,
      );
      await admin.disconnect();
    },
    TIMEOUT_MS,
  );
});

/** Produces and commits while the broker is killed repeatedly. */
async function underKills({ kafka, kill }: { kafka: Kafka; kill: () => Promise<void> }) {
  let producer = await idempotentProducer(kafka);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });
  const values: number[] = [];
  let committed = 0;
  let stopping = false;
  const producing = (async () => {
    for (let value = 0; !stopping; value += 10) {
      try {
        await sendTen(producer, value);
        values.push(...Array.from({ length: 10 }, (_, i) => value + i));
      } catch {
        // Not acknowledged, so not counted. kafkajs gives up on some lost connections and must be replaced.
        await producer.disconnect();
        producer = await persistently(() => idempotentProducer(kafka));
      }
    }
  })();
  const committing = (async () => {
    for (let offset = 1; !stopping; offset++) {
      const partitions = [{ partition: 0, offset: String(offset) }];
      await persistently(() => admin.setOffsets({ groupId: 'bookkeeper', topic: TOPIC, partitions }));
      const [found] = await persistently(() =>
        admin.fetchOffsets({ groupId: 'bookkeeper', topics: [TOPIC] }),
      );
      expect(Number(found?.partitions.find(({ partition }) => partition === 0)?.offset)).toBe(offset);
      committed = offset;
    }
  })();
  const working = Promise.all([producing, committing]);
  // Report the error that ended the work early, not the wait that it interrupts.
  const unlessBroken = (wait: Promise<unknown>) => Promise.race([wait, working]);
  for (let round = 0; round < ROUNDS; round++) {
    const enough = values.length + 200;
    await unlessBroken(until(() => values.length >= enough, { timeoutMs: TIMEOUT_MS }));
    await kill();
  }
  const enough = values.length + 100;
  await unlessBroken(until(() => values.length >= enough, { timeoutMs: TIMEOUT_MS }));
  stopping = true;
  await working;
  await producer.disconnect();
  await admin.disconnect();
  return { values, committed };
}

async function idempotentProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 30, retries: 30, maxRetryTime: 300 },
  });
  await producer.connect();
  return producer;
}

/**
 * Repeats the call until it succeeds, because kafkajs gives up. One attempt may take the twenty retries of its
 * client, each as long as the request timeout; the timeout of the test is the bound.
 */
async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  const results: T[] = [];
  await until(
    async () => {
      await attempt().then(
        (value) => results.push(value),
        () => undefined,
      );
      return results.length > 0;
    },
    { timeoutMs: TIMEOUT_MS },
  );
  return results[0] as T;
}

async function sendTen(producer: Producer, from: number): Promise<void> {
  await producer.send({
    topic: TOPIC,
    acks: -1,
    messages: Array.from({ length: 10 }, (_, i) => ({
      partition: (from + i) % PARTITIONS,
      value: String(from + i),
    })),
  });
}

/** Every value, by partition, in log order. */
async function readAll(kafka: Kafka, total: number): Promise<Map<number, number[]>> {
  const seen = new Map<number, number[]>();
  const consumer = kafka.consumer({ groupId: 'auditor', maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  let count = 0;
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      const values = seen.get(partition) ?? [];
      values.push(Number(message.value));
      seen.set(partition, values);
      count++;
    },
  });
  await until(() => count >= total, { timeoutMs: TIMEOUT_MS });
  await consumer.disconnect();
  return seen;
}
