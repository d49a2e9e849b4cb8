import { DEFAULT_MAX_AGE_DAYS, deadLetterTopic, telemetryFamily } from '@hailstream/events';
import { createAdmin, createDeadLetterQueue, createRangeReader, REDRIVE_HEADERS } from '@hailstream/log';
import { deleteRecords, startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../src/database/pool.postgres.js';
import { ErasedIds } from '../src/erasure/erased-ids.postgres.js';
import { ChunkLoader } from '../src/load/chunk-loader.postgres.js';
import { RejectWriter } from '../src/rejects/reject-writer.js';
import { CopyWriter } from '../src/rows/copy-writer.js';
import { encodeChunk } from '../src/rows/encode-chunk.js';
import { tablesByTopic } from '../src/rows/tables.js';
import {
  append,
  connectionTo,
  createLoadRunner,
  createTestDatabase,
  makeTelemetry,
  readDeadLetters,
  silent,
  type TestDatabase,
} from './_util.js';

const NOT_ENOUGH_REPLICAS = 19;
const never = new AbortController().signal;

let broker: TestBroker;
let database: TestDatabase;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await Promise.all([broker[Symbol.asyncDispose](), database[Symbol.asyncDispose]()]);
});

async function load() {
  await using runner = await createLoadRunner(broker, database);
  return await runner.load(never);
}

const rejects = () =>
  database.query(
    'SELECT topic, "offset", reason, consumer_group, attempts FROM ride.rejects ORDER BY "offset", 4',
  );
const bad = (text: string) => ({ key: 'k', value: Buffer.from(text) });

describe('the dead-letter queue', () => {
  it('has each record that cannot be loaded once, and ride.rejects shows it after the same load', async () => {
    await append(broker, telemetryFamily.topic.name, [
      bad('not JSON'),
      { key: 'k', value: makeTelemetry() },
      bad('{}'),
    ]);
    expect(await load()).toMatchObject({ rows: 1, rejects: 2 });
    expect(await load()).toMatchObject({ read: 0 });
    expect(await readDeadLetters(broker)).toMatchObject([
      { topic: telemetryFamily.topic.name, offset: 0n, groupId: 'hailstream-batch', attempts: 1 },
      { topic: telemetryFamily.topic.name, offset: 2n, groupId: 'hailstream-batch', attempts: 1 },
    ]);
    expect(await rejects()).toMatchObject([
      {
        offset: '0',
        consumer_group: 'hailstream-batch',
        reason: expect.stringContaining('not JSON') as string,
      },
      { offset: '2', consumer_group: 'hailstream-batch' },
    ]);
  });

  it('shows dead letters of other groups with their group, and one that was written twice once', async () => {
    await append(broker, telemetryFamily.topic.name, []);
    const letter = {
      kind: 'record',
      topic: telemetryFamily.topic.name,
      partition: 3,
      record: { offset: 7n, key: null, value: Buffer.from('x'), headers: {}, timestampMs: 1_760_000_000_000 },
      attempts: 5,
      reason: new Error('no such vehicle'),
    } as const;
    await using queue = createDeadLetterQueue({
      connection: connectionTo(broker),
      logger: silent,
      topic: deadLetterTopic.name,
    });
    await queue.write([{ ...letter, groupId: 'router' }]);
    await queue.write([
      { ...letter, groupId: 'router' },
      { ...letter, groupId: 'other' },
    ]);
    await load();
    expect(await rejects()).toEqual(
      ['other', 'router'].map((consumer_group) => ({
        topic: telemetryFamily.topic.name,
        offset: '7',
        reason: 'no such vehicle',
        consumer_group,
        attempts: 5,
      })),
    );
  });

  it('resolves the dead letters of other groups that were redriven, and does not reopen them', async () => {
    await append(broker, telemetryFamily.topic.name, []);
    const topic = deadLetterTopic.name;
    await using queue = createDeadLetterQueue({ connection: connectionTo(broker), logger: silent, topic });
    const letters = [1n, 2n].map((offset) => ({
      kind: 'record' as const,
      topic: telemetryFamily.topic.name,
      partition: 0,
      record: {
        offset,
        key: Buffer.from('k'),
        value: Buffer.from('x'),
        headers: {},
        timestampMs: 1_760_000_000_000,
      },
      attempts: 1,
      reason: new Error('refused'),
      groupId: 'router-search',
    }));
    await queue.write(letters);
    await load();
    const offsets = async () => (await rejects()).map(({ offset }) => offset);
    expect(await offsets()).toEqual(['1', '2']);
    const [first] = await readDeadLetters(broker);
    const headers = { [REDRIVE_HEADERS.id]: first!.id, [REDRIVE_HEADERS.group]: 'router-search' };
    await append(broker, topic, [{ key: 'k', value: {}, headers }]);
    await load();
    expect(await offsets()).toEqual(['2']);
    await queue.write(letters);
    await load();
    expect(await offsets()).toEqual(['2']);
  });

  it('is not written for records that were redriven for another group', async () => {
    const topic = telemetryFamily.topic.name;
    const redriven = { [REDRIVE_HEADERS.id]: 'x', [REDRIVE_HEADERS.group]: 'router-search' };
    const own = { ...redriven, [REDRIVE_HEADERS.group]: 'hailstream-batch' };
    await append(broker, topic, [
      { ...bad('not JSON'), headers: redriven },
      { ...bad('not JSON'), headers: own },
    ]);
    expect(await load()).toMatchObject({ rejects: 1, skipped: 1 });
    expect(await rejects()).toMatchObject([{ offset: '1' }]);
  });

  it('loses no reject and repeats none in ride.rejects if the commit after the write fails', async () => {
    await using runner = await createLoadRunner(broker, database);
    await runner.migrate();
    await database.query(
      `CREATE FUNCTION public.refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF (SELECT count(*) FROM public.refused) = 0 THEN
           PERFORM pg_terminate_backend(pg_backend_pid());
         END IF; RETURN NEW; END $$;
       CREATE TABLE public.refused (id integer);
       CREATE TRIGGER refuse_once BEFORE UPDATE OF next_offset ON ride.log_positions FOR EACH ROW
         WHEN (NEW.topic = 'ride.telemetry') EXECUTE FUNCTION public.refuse_once()`,
    );
    await append(broker, telemetryFamily.topic.name, [bad('not JSON')]);
    const stop = new AbortController();
    const failing = runner.load(stop.signal).catch((error: unknown) => error);
    while ((await readDeadLetters(broker)).length === 0);
    stop.abort();
    expect(await failing).toMatchObject({ code: 'STOPPED' });
    expect(await rejects()).toEqual([]);
    await database.query('INSERT INTO public.refused VALUES (1)');
    expect(await load()).toMatchObject({ rejects: 1 });
    expect(await rejects()).toHaveLength(1);
  });

  it('is written before the transaction, which does not wait for the dead-letter topic', async () => {
    await load();
    await append(broker, telemetryFamily.topic.name, [bad('not JSON'), { key: 'k', value: makeTelemetry() }]);
    const lines: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
    await using runner = await createLoadRunner(broker, database, { logger });
    broker.inject({ api: 'Produce', errorCode: NOT_ENOUGH_REPLICAS, times: 1_000_000 });
    const loading = runner.load(never);
    await until(() => lines.some((line) => /"component":"dead-letters".*log is unreachable/.test(line)));
    const transactions = await database.query(
      `SELECT query FROM pg_stat_activity
       WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
    );
    broker.clearFaults();
    expect(await loading).toMatchObject({ rows: 1, rejects: 1 });
    expect(transactions).toEqual([]);
  });

  it('is not written again for records that another process has loaded in the meantime', async () => {
    const topic = telemetryFamily.topic.name;
    const table = tablesByTopic.get(topic)!;
    await append(broker, topic, [bad('not JSON')]);
    expect(await load()).toMatchObject({ rejects: 1 });
    const [letter] = await readDeadLetters(broker);
    const { offset, partition, timestampMs } = letter!;
    const connection = connectionTo(broker);
    await using admin = createAdmin({ connection, logger: silent });
    const identity = (await admin.identities([topic])).get(topic)!;
    await using queue = createDeadLetterQueue({ connection, logger: silent, topic: deadLetterTopic.name });
    const record = { offset, timestampMs, key: null, value: bad('not JSON').value, headers: {} };
    const limits = { nowMs: Date.now(), maxAgeDays: DEFAULT_MAX_AGE_DAYS };
    const encoded = await encodeChunk(table, [record], { writer: new CopyWriter(), ...limits });
    const pool = createPool({ url: database.url, size: 1, logger: silent });
    const loader = new ChunkLoader(pool, 'late', new RejectWriter(queue), new ErasedIds());
    const chunk = { topic, partition, identity, table, from: 0n, deletedTo: 0n, nextOffset: 1n, encoded };
    const counts = await loader.load(chunk).finally(() => pool.end());
    expect(counts).toMatchObject({ read: 0, rejects: 0 });
    expect(await readDeadLetters(broker)).toHaveLength(1);
  });

  it('records dead letters that were deleted before they were loaded as a gap, once', async () => {
    await load();
    await append(broker, deadLetterTopic.name, [bad('deleted'), bad('deleted')]);
    await using reader = createRangeReader({ connection: connectionTo(broker), logger: silent });
    const ranges = [{ topic: deadLetterTopic.name, from: 'earliest', to: 'latest' } as const];
    let partition = -1;
    for await (const batch of await reader.readRange({ ranges })) partition = batch.partition;
    await deleteRecords(broker, { topic: deadLetterTopic.name, partition, offset: 2n });
    await load();
    await load();
    expect(
      await database.query('SELECT topic, partition, from_offset, to_offset FROM ride.log_gaps'),
    ).toEqual([{ topic: deadLetterTopic.name, partition, from_offset: '0', to_offset: '2' }]);
  });
});
