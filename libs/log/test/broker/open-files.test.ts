import { spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { until } from '@hailstream/service/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readBatchHeader } from '../../src/protocol/record-batch.js';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { bundleBroker, watchProcess, type BrokerProcess } from './broker-process.js';
import { RawClient } from './raw-client.js';

const TOPIC = 'many';
const PARTITIONS = 250;
const OPEN_FILES = 128;
const TIMEOUT_MS = 120_000;

let main: string;
let dataDir: string;

beforeAll(async () => {
  main = await bundleBroker('open-files');
}, TIMEOUT_MS);
beforeEach(async () => {
  dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-open-files-'));
});
afterEach(async () => {
  await fs.rm(dataDir, { recursive: true });
});

/** The broker's command in a process with a limit of open files. */
function runLimited(openFiles: number, settings: readonly string[] = []): BrokerProcess {
  const args = ['--port', '0', '--data-dir', dataDir, '--log-level', 'warn', ...settings];
  const script = `ulimit -n ${openFiles}; exec "$0" "$@"`;
  return watchProcess(
    spawn('sh', ['-c', script, process.execPath, main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

async function portOf({ output, exited }: BrokerProcess): Promise<number> {
  const ended = exited.then((code) => Promise.reject(new Error(`exit code ${code}: ${output()}`)));
  await Promise.race([until(() => output().includes('listening on'), { timeoutMs: TIMEOUT_MS }), ended]);
  return Number(/listening on [^:]+:(\d+)/.exec(output())?.[1]);
}

async function stop(broker: BrokerProcess): Promise<void> {
  broker.child.kill('SIGTERM');
  expect(await broker.exited).toBe(0);
}

async function create(client: RawClient): Promise<void> {
  const configs = [{ name: 'segment.bytes', value: '2000' }];
  const { topics } = await client.call<{ topics: object[] }>(19, 4, {
    topics: [{ name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs }],
    timeoutMs: TIMEOUT_MS,
    validateOnly: false,
  });
  expect(topics).toMatchObject([{ errorCode: 0 }]);
}

/** Appends a record to every partition. */
async function appendToAll(client: RawClient, value: string): Promise<void> {
  const partitions = Array.from({ length: PARTITIONS }, (_, index) => ({
    index,
    records: [makeRecordBatch([{ key: null, value: Buffer.from(value.padEnd(900)) }], BigInt(Date.now()))],
  }));
  const { topics } = await client.call<{ topics: { partitions: { errorCode: number }[] }[] }>(0, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: TIMEOUT_MS,
    topics: [{ name: TOPIC, partitions }],
  });
  expect(new Set(topics[0]?.partitions.map(({ errorCode }) => errorCode))).toEqual(new Set([0]));
}

/** Base offsets of the batches of a partition from an offset on, read one by one. */
async function offsetsOf(client: RawClient, partition: number): Promise<bigint[]> {
  const found: bigint[] = [];
  for (;;) {
    const { topics } = await client.call<{
      topics: { partitions: { errorCode: number; records: Buffer[] }[] }[];
    }>(1, 11, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1 << 20,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: TOPIC,
          partitions: [
            {
              partition,
              currentLeaderEpoch: -1,
              fetchOffset: BigInt(found.length),
              logStartOffset: -1n,
              partitionMaxBytes: 1,
            },
          ],
        },
      ],
      forgottenTopics: [],
      rackId: '',
    });
    const answer = topics[0]?.partitions[0];
    expect(answer?.errorCode).toBe(0);
    const bytes = Buffer.concat(answer?.records ?? []);
    if (bytes.length === 0) return found;
    found.push(readBatchHeader(bytes).baseOffset);
  }
}

describe('a broker with fewer open files than segments', () => {
  it(
    'serves every partition, shuts down gracefully and restarts, also after a kill',
    async () => {
      const ends = ['stop', 'kill', 'stop'] as const;
      let appended = 0;
      for (const end of ends) {
        const broker = runLimited(OPEN_FILES);
        using client = await RawClient.connect(await portOf(broker));
        if (appended === 0) await create(client);
        for (let i = 0; i < 2; i++) await appendToAll(client, `value ${appended++}`);
        const expected = Array.from({ length: appended }, (_, i) => BigInt(i));
        for (const partition of [0, PARTITIONS - 1])
          expect(await offsetsOf(client, partition)).toEqual(expected);
        if (end === 'stop') await stop(broker);
        else broker.child.kill('SIGKILL');
        await broker.exited;
        expect((await fs.readdir(dataDir)).includes('.kafka_cleanshutdown')).toBe(end === 'stop');
        expect(broker.output()).not.toMatch(/EMFILE|"level":50/);
      }
      const broker = runLimited(OPEN_FILES);
      using client = await RawClient.connect(await portOf(broker));
      expect(await offsetsOf(client, 100)).toHaveLength(appended);
      await stop(broker);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses connections before they use the file descriptors of the log',
    async () => {
      const broker = runLimited(OPEN_FILES);
      const port = await portOf(broker);
      const clients = await Promise.all(Array.from({ length: 150 }, () => RawClient.connect(port)));
      await until(() => broker.output().includes('limit on open files (ulimit -n)'));
      await create(clients[0] as RawClient);
      await appendToAll(clients[0] as RawClient, 'value');
      for (const client of clients) client[Symbol.dispose]();
      await stop(broker);
    },
    TIMEOUT_MS,
  );

  it(
    'does not start if the limit is too low, and reports the required limit',
    async () => {
      const broker = runLimited(64);
      expect(await broker.exited).toBe(1);
      expect(broker.output()).toBe(
        'hailstream-broker: the limit of open files (ulimit -n) is 64, and the broker needs at least 96\n',
      );
    },
    TIMEOUT_MS,
  );
});
