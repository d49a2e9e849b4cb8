import { telemetryFamily } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { deleteRecords, startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoadResult } from '../src/load/load-result.js';
import {
  append,
  connectionTo,
  createLoadRunner,
  createTestDatabase,
  makeTelemetry,
  silent,
  toRecords,
  type TestDatabase,
} from './_util.js';

const topic = telemetryFamily.topic.name;
const never = new AbortController().signal;
let broker: TestBroker;
let database: TestDatabase;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const device = '5c2d1f0e-8f0c-4b1e-9d55-0d7a1f4f2f10';

/** Appends points of one device, which are in one partition. Returns the partition. */
async function appendTrack(points: number): Promise<number> {
  const track = Array.from({ length: points }, () => makeTelemetry({ device_id: device }));
  await append(broker, topic, toRecords(track));
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  const offsets = await admin.offsets(topic);
  return [...offsets.keys()].find((partition) => offsets.get(partition)!.latest > 0n)!;
}

async function loadOnce(): Promise<LoadResult> {
  await using loads = await createLoadRunner(broker, database);
  return await loads.load(never);
}

const NOT_LEADER_OR_FOLLOWER = 6;

/** Runs a load that cannot read before the log was changed. */
async function loadAround(change: () => Promise<void>): Promise<LoadResult> {
  await using loads = await createLoadRunner(broker, database);
  broker.inject({ api: 'Fetch', errorCode: NOT_LEADER_OR_FOLLOWER, times: 1_000_000 });
  let isReading = false;
  const loading = loads.load(never, { onProgress: () => (isReading = true) });
  await until(() => isReading);
  await change();
  broker.clearFaults();
  return await loading;
}

describe('records that are deleted while a load reads them', () => {
  it('are counted, and the remaining ones are loaded', async () => {
    const partition = await appendTrack(100);
    const result = await loadAround(() => deleteRecords(broker, { topic, partition, offset: 60n }));
    expect(result).toMatchObject({ outcome: 'incomplete', read: 40, rows: 40, lost: 60, skipped: 0 });
    expect(result.topics[topic]).toMatchObject({ from: 0, to: 100, lostByPartition: { [partition]: 60 } });
    expect(await loadOnce()).toMatchObject({ outcome: 'complete', read: 0, lost: 0 });
  });

  it('are counted although none remains', async () => {
    const partition = await appendTrack(100);
    const result = await loadAround(() => deleteRecords(broker, { topic, partition, offset: 100n }));
    expect(result).toMatchObject({ outcome: 'incomplete', read: 0, rows: 0, lost: 100 });
    expect(await loadOnce()).toMatchObject({ outcome: 'complete', read: 0, lost: 0 });
  });

  it('are counted once if they extend beyond the range of the load', async () => {
    const partition = await appendTrack(100);
    const result = await loadAround(async () => {
      await appendTrack(50);
      await deleteRecords(broker, { topic, partition, offset: 120n });
    });
    const next = await loadOnce();
    expect(result.lost + next.lost).toBe(120);
    expect(result.rows + next.rows).toBe(30);
    expect(result).toMatchObject({ outcome: 'incomplete', rows: 0 });
    expect(await database.one('SELECT sum(to_offset - from_offset)::integer FROM ride.log_gaps')).toBe(120);
  });
});
