import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker } from '../../../src/testing.js';
import { KafkaClients } from './kafka-clients.js';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const RECORDS = 20_000;
const RECORD_BYTES = 200;
const TOPIC = 'rides';
const PARTITIONS = 2;
/** Small, so that there are several segments. */
const SEGMENT_BYTES = 500_000;

let clients: KafkaClients;
beforeAll(async () => {
  clients = await KafkaClients.find();
});

describe.each(CODECS)("Kafka's performance tools, compression %s", (codec) => {
  it('consume as many records as were produced, and the log dump reports no error', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'hailstream-performance-'));
    try {
      await produceAndConsume(dataDir, codec);
      await expectSoundSegments(dataDir, codec);
      await expectSoundIndexes(dataDir);
      await expectReadableOffsets(dataDir);
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });
});

async function produceAndConsume(dataDir: string, codec: string): Promise<void> {
  const settings = { 'num.partitions': String(PARTITIONS), 'log.segment.bytes': String(SEGMENT_BYTES) };
  await using broker = await startTestBroker({ dataDir, settings });
  const where = ['--bootstrap-server', broker.address, '--topic', TOPIC];
  const produced = await clients.run('kafka-producer-perf-test', [
    ...where,
    ...['--num-records', String(RECORDS), '--record-size', String(RECORD_BYTES), '--throughput', '-1'],
    ...['--command-property', `compression.type=${codec}`, 'acks=all'],
  ]);
  expect(produced).toMatch(new RegExp(`^${RECORDS} records sent, `, 'm'));
  const consumed = await clients.run('kafka-consumer-perf-test', [
    ...where,
    ...['--num-records', String(RECORDS), '--timeout', '30000', '--hide-header', '--group', 'readers'],
  ]);
  // Start, end, MB, MB/s, records, …
  const [, , megabytes, , records] = consumed.trim().split('\n').at(-1)?.split(', ') ?? [];
  expect(Number(records)).toBe(RECORDS);
  expect(Number(megabytes)).toBeCloseTo((RECORDS * RECORD_BYTES) / 2 ** 20, 3);
  const ends = await clients.run('kafka-get-offsets', where);
  const counts = ends
    .trim()
    .split('\n')
    .map((line) => Number(line.split(':').at(-1)));
  expect(counts).toHaveLength(PARTITIONS);
  expect(counts.reduce((sum, count) => sum + count)).toBe(RECORDS);
}

/** The files of the topic's partitions. */
async function filesOf(dataDir: string, suffix: string): Promise<string[]> {
  const folders = Array.from({ length: PARTITIONS }, (_, i) => join(dataDir, `${TOPIC}-${i}`));
  const files = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
  );
  return files.flat().filter((file) => file.endsWith(suffix));
}

async function dump(files: readonly string[], ...how: string[]): Promise<string[]> {
  const lines = (await clients.run('kafka-dump-log', ['--files', files.join(','), ...how])).split('\n');
  const complaints = /mismatch|non-consecutive|could not|fail|error|exception|unable|invalid/i;
  expect(lines.filter((line) => complaints.test(line))).toEqual([]);
  return lines;
}

async function expectSoundSegments(dataDir: string, codec: string): Promise<void> {
  const files = await filesOf(dataDir, '.log');
  expect(files.length).toBeGreaterThan(PARTITIONS);
  const lines = await dump(files, '--deep-iteration');
  const batches = lines.filter((line) => line.startsWith('baseOffset:'));
  expect(batches.length).toBeGreaterThan(files.length);
  const wrong = batches.filter(
    (line) => !line.includes(` compresscodec: ${codec} `) || !line.endsWith(' isvalid: true'),
  );
  expect(wrong).toEqual([]);
  expect(lines.filter((line) => line.startsWith('| offset:'))).toHaveLength(RECORDS);
}

async function expectSoundIndexes(dataDir: string): Promise<void> {
  const files = [...(await filesOf(dataDir, '.index')), ...(await filesOf(dataDir, '.timeindex'))];
  await dump(files, '--verify-index-only');
  const verdicts = (await dump(files, '--index-sanity-check')).filter((line) =>
    line.endsWith('passed sanity check.'),
  );
  expect(verdicts).toHaveLength(files.length);
}

async function expectReadableOffsets(dataDir: string): Promise<void> {
  const file = join(dataDir, '__consumer_offsets-0', '00000000000000000000.log');
  const lines = await dump([file], '--offsets-decoder');
  const committed = new RegExp(`key: .*"group":"readers","topic":"${TOPIC}".* payload: .*"offset":\\d+`);
  expect(lines.some((line) => committed.test(line))).toBe(true);
}
