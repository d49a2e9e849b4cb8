import {
  batchGroup,
  riderEventFamily,
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
} from '@hailstream/events';
import { REDRIVE_HEADERS } from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../src/database/pool.postgres.js';
import { retryRejects } from '../src/rejects/retry-rejects.postgres.js';
import { tablesByTopic } from '../src/rows/tables.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  retentionOf,
  silent,
  YESTERDAY,
  type TestDatabase,
  type TestRecord,
} from './_util.js';

let broker: TestBroker;
let database: TestDatabase;
const never = new AbortController().signal;
const RECEIVED = YESTERDAY + 5 * 3_600_000 + 123;

beforeEach(async () => {
  // Accepts any timestamp, as brokers before Kafka 4 do.
  const settings = { 'log.message.timestamp.after.max.ms': '9223372036854775807' };
  [broker, database] = await Promise.all([startTestBroker({ settings }), createTestDatabase()]);
});

afterEach(async () => {
  await Promise.all([broker[Symbol.asyncDispose](), database[Symbol.asyncDispose]()]);
});

async function load(topic: string, records: readonly TestRecord[], maxAgeDays = 1_830) {
  await append(broker, topic, records);
  await using runner = await createLoadRunner(broker, database, { maxAgeDays });
  return await runner.load(never);
}

async function retry(maxAgeDays: number): Promise<void> {
  const pool = createPool({ url: database.url, size: 2, logger: silent });
  try {
    await retryRejects(
      pool,
      { isDryRun: false, maxAgeDays, retention: retentionOf(), tables: tablesByTopic },
      never,
    );
  } finally {
    await pool.end();
  }
}

/** In milliseconds, in the order of the events. */
async function receivedAt(table = 'telemetry', time = '"timestamp"'): Promise<(number | null)[]> {
  const rows = await database.query<{ received_at: Date | null }>(
    `SELECT received_at FROM ride.${table} ORDER BY ${time}`,
  );
  return rows.map(({ received_at: at }) => at?.getTime() ?? null);
}

describe('received_at', () => {
  it.each([
    [
      'telemetry',
      telemetryFamily.topic.name,
      '"timestamp"',
      (timestamp: number) => makeTelemetry({ timestamp }),
    ],
    [
      'vehicle_events',
      vehicleEventFamily.topic.name,
      '"timestamp"',
      (timestamp: number) => makeVehicleEvent({ timestamp }),
    ],
    [
      'rider_events',
      riderEventFamily.topic.name,
      '"timestamp"',
      (timestamp: number) => makeRiderEvent({ timestamp }),
    ],
    [
      'trips',
      tripFamily.topic.name,
      'end_time',
      (time: number) => makeTrip({ start_time: time, end_time: time }),
    ],
  ])('is the timestamp of the record in ride.%s', async (table, topic, time, make) => {
    const events = [0, 1, 2].map((index) => make(YESTERDAY + index));
    const received = [RECEIVED + 7, RECEIVED, RECEIVED + 1];
    const records = events.map((value, index) => ({ key: 'k', value, timestampMs: received[index]! }));
    // A repeat does not change the row.
    await load(topic, [...records, { ...records[0]!, timestampMs: RECEIVED + DAY_MS / 2 }]);
    expect(await receivedAt(table, time)).toEqual(received);
  });

  it('is NULL if the timestamp of the record is not between the years 1 and 9999', async () => {
    const times = [-62_135_596_800_001, -62_135_596_800_000, 1, 253_402_300_799_999, 253_402_300_800_000];
    const records = times.map((timestampMs, index) => ({
      key: 'k',
      value: makeTelemetry({ timestamp: YESTERDAY + index }),
      timestampMs,
    }));
    expect(await load(telemetryFamily.topic.name, records)).toMatchObject({ rows: 5, rejects: 0 });
    const rows = await database.query<{ at: string | null }>(
      `SELECT (extract(epoch FROM received_at) * 1000)::bigint::text AS at FROM ride.telemetry ORDER BY "timestamp"`,
    );
    expect(rows.map(({ at }) => at)).toEqual([null, ...times.slice(1, 4).map(String), null]);
  });

  it('of a reject that is loaded again is the timestamp of the original record', async () => {
    const received = YESTERDAY - DAY_MS;
    const value = makeTelemetry({ timestamp: received - 20 * DAY_MS });
    const record = { key: 'k', value, timestampMs: received };
    expect(await load(telemetryFamily.topic.name, [record], 10)).toMatchObject({ rejects: 1 });
    await retry(30);
    expect(await receivedAt()).toEqual([received]);
  });

  it('of a reject without a timestamp is NULL after it is loaded again', async () => {
    const record = { key: 'k', value: makeTelemetry({ timestamp: YESTERDAY - 20 * DAY_MS }) };
    expect(await load(telemetryFamily.topic.name, [record], 10)).toMatchObject({ rejects: 1 });
    await database.query('UPDATE ride.dead_letters SET received_at = NULL, timestamp_ms = NULL');
    await retry(30);
    expect(await receivedAt()).toEqual([null]);
  });

  it('of a redriven record is the timestamp before it was redriven, also if it is rejected and loaded again', async () => {
    const headers = {
      [REDRIVE_HEADERS.id]: 'some dead letter',
      [REDRIVE_HEADERS.group]: batchGroup,
      [REDRIVE_HEADERS.count]: '1',
      [REDRIVE_HEADERS.timestamp]: String(RECEIVED),
    };
    const redriven = (timestamp: number) => ({ key: 'k', value: makeTelemetry({ timestamp }), headers });
    const records = [redriven(YESTERDAY), redriven(RECEIVED - 20 * DAY_MS)];
    expect(await load(telemetryFamily.topic.name, records, 10)).toMatchObject({ rows: 1, rejects: 1 });
    expect(await receivedAt()).toEqual([RECEIVED]);
    await retry(30);
    expect(await receivedAt()).toEqual([RECEIVED, RECEIVED]);
  });
});
