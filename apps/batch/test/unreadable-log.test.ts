import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deadLetterTopic, telemetryFamily } from '@hailstream/events';
import { createProducer, createRangeReader } from '@hailstream/log';
import { appendTransaction, spoilBatch, startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import {
  append,
  connectionTo,
  createLoadRunner,
  createTestDatabase,
  makeTelemetry,
  makeTrack,
  silent,
  toRecords,
} from './_util.js';

const never = new AbortController().signal;
/** Settings of a broker that compacts all topics as soon as possible. */
const COMPACTING = {
  'log.cleanup.policy': 'compact',
  'log.segment.bytes': '1024',
  'log.cleaner.backoff.ms': '20',
  'log.cleaner.min.cleanable.ratio': '0',
};

describe('a load', () => {
  it.each(['abort', 'commit'] as const)('reaches the end of a log that ends with an %s', async (outcome) => {
    await using broker = await startTestBroker();
    await using database = await createTestDatabase();
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 50, devices: 5 })));
    const values = makeTrack({ points: 3, devices: 1 }).map((point) => JSON.stringify(point));
    await appendTransaction(broker, { topic: telemetryFamily.topic.name, partition: 0, values, outcome });
    for (const expected of [outcome === 'commit' ? 53 : 50, 0]) {
      await using loads = await createLoadRunner(broker, database);
      expect(await loads.load(never)).toMatchObject({ rows: expected, rejects: 0 });
    }
  });

  it('rejects a batch that cannot be decoded once, and loads the records after it', async () => {
    await using broker = await startTestBroker();
    await using database = await createTestDatabase();
    const topic = telemetryFamily.topic.name;
    await append(broker, topic, toRecords(makeTrack({ points: 20, devices: 2 })));
    const values = ['spoiled', 'spoiled too'];
    await using first = await createLoadRunner(broker, database);
    expect(await first.load(never)).toMatchObject({ rows: 20 });
    const offset = BigInt(
      (await database.one(
        `SELECT next_offset FROM ride.log_positions WHERE topic = '${topic}' AND partition = 0`,
      )) as string,
    );
    await appendTransaction(broker, { topic, partition: 0, values, outcome: 'commit' });
    await spoilBatch(broker, { topic, partition: 0, offset });
    await append(broker, topic, toRecords(makeTrack({ points: 60, devices: 30 })));
    for (const counts of [
      { rows: 60, rejects: 1, read: 61, skipped: 2 },
      { rows: 0, rejects: 0, read: 0 },
    ]) {
      await using loads = await createLoadRunner(broker, database);
      expect((await loads.load(never)).topics[topic]).toMatchObject(counts);
    }
    const rejects = await database.query(
      'SELECT "offset", last_offset, reason, key, octet_length(value) > 61 AS kept, received_at FROM ride.rejects',
    );
    expect(rejects).toEqual([
      {
        offset: String(offset),
        last_offset: String(offset + 1n),
        reason: expect.stringMatching(
          /^the batch of offsets \d+ to \d+ cannot be decoded \(SHA-256 [0-9a-f]{64}\)/,
        ),
        key: null,
        kept: true,
        received_at: null,
      },
    ]);
  });

  it.each([
    ['events', telemetryFamily.topic.name, 'ride.telemetry'],
    ['dead letters', deadLetterTopic.name, 'ride.rejects'],
  ])(
    'stops at a gap without a reason in %s, until its position is moved past it',
    async (_, topic, table) => {
      await using folder = await temporaryFolder();
      await appendAndCompact(folder.path, topic, 20);
      // Its topics are no longer compacted, which would explain missing offsets.
      await using broker = await startTestBroker({ dataDir: folder.path });
      await using database = await createTestDatabase();
      await using runner = await createLoadRunner(broker, database);
      const [first, second] = [await failureOf(runner.load(never)), await failureOf(runner.load(never))];
      expect(first).toMatchObject({
        code: 'LOG_GAP',
        message: expect.stringMatching(/left out offsets 0 to \d+ without a reason/) as string,
      });
      expect(second).toEqual(first);
      const [, partition, found] = /--partition (\d+) --to (\d+)$/.exec(first.message)!;
      const { positionTools } = runner;
      await positionTools.reset(
        await positionTools.planReset(
          { topics: [topic], partition: Number(partition) },
          { kind: 'offset', offset: BigInt(found!) },
        ),
      );
      await runner.load(never);
      const positions = await database.query(
        'SELECT next_offset FROM ride.log_positions WHERE topic = $1 AND partition = $2',
        [topic, partition],
      );
      expect(positions).toEqual([{ next_offset: '20' }]);
      expect(await database.one(`SELECT count(*)::integer FROM ${table}`)).toBe(20 - Number(found));
    },
  );
});

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'hailstream-batch-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Appends records with one key, and waits until the broker has compacted them. */
async function appendAndCompact(dataDir: string, topic: string, records: number): Promise<void> {
  await using broker = await startTestBroker({ dataDir, settings: COMPACTING });
  await append(broker, topic, []);
  // The last batch of a producer is never removed.
  await using producer = createProducer({ connection: connectionTo(broker), logger: silent });
  for (let index = 0; index < records; index += 1)
    await producer.send([{ topic, key: 'k', value: Buffer.from(JSON.stringify(makeTelemetry())) }]);
  await using reader = createRangeReader({ connection: connectionTo(broker), logger: silent });
  const ranges = [{ topic, from: 'earliest', to: 'latest' } as const];
  await until(async () => {
    const offsets: bigint[] = [];
    for await (const batch of await reader.readRange({ ranges }))
      offsets.push(...batch.records.map(({ offset }) => offset));
    return offsets[0]! > 0n;
  });
}

async function failureOf(loading: Promise<unknown>): Promise<Error> {
  return loading.then(
    () => new Error('the load succeeded'),
    (error: unknown) => error as Error,
  );
}
