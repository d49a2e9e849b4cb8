import { randomUUID } from 'node:crypto';
import { telemetryFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../src/database/pool.postgres.js';
import { grantReader } from '../src/database/reader-role.postgres.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeTrack,
  silent,
  toRecords,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

let broker: TestBroker;
let database: TestDatabase;
let pool: Pool;
let role: string;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
  pool = createPool({ url: database.url, size: 2, logger: silent });
  role = `reader "${randomUUID()}`;
  await database.query(`CREATE ROLE ${pg.escapeIdentifier(role)} LOGIN PASSWORD 'reader'`);
});

afterEach(async () => {
  await database.query(`DROP OWNED BY ${pg.escapeIdentifier(role)}; DROP ROLE ${pg.escapeIdentifier(role)}`);
  await pool.end();
  await Promise.all([broker[Symbol.asyncDispose](), database[Symbol.asyncDispose]()]);
});

async function load(timestamp: number): Promise<void> {
  const track = makeTrack({ points: 10, devices: 1 }).map((point) => ({ ...point, timestamp }));
  await append(broker, telemetryFamily.topic.name, toRecords(track));
  await using runner = await createLoadRunner(broker, database);
  await runner.load(new AbortController().signal);
}

/** Runs a statement as the reader. */
async function asReader(sql: string): Promise<pg.QueryResultRow[]> {
  const url = new URL(database.url);
  const client = new pg.Client({
    host: url.hostname,
    port: Number(url.port),
    database: url.pathname.slice(1),
    user: role,
    password: 'reader',
  });
  await client.connect();
  try {
    return (await client.query<pg.QueryResultRow>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe(grantReader, () => {
  it('grants SELECT on tables, views and partitions, also on those of later loads, and nothing else', async () => {
    await load(YESTERDAY);
    await expect(asReader('SELECT FROM ride.telemetry')).rejects.toThrow('permission denied');
    await grantReader(pool, role);
    await grantReader(pool, role);
    await load(YESTERDAY - DAY_MS);
    const partition = new Date(YESTERDAY - DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');
    expect(await asReader('SELECT count(*)::integer FROM ride.telemetry')).toEqual([{ count: 20 }]);
    expect(await asReader(`SELECT count(*)::integer FROM ride.telemetry_${partition}`)).toEqual([
      { count: 10 },
    ]);
    expect(await asReader('SELECT * FROM analysis.trips_per_hour')).toEqual([]);
    for (const statement of [
      'DELETE FROM ride.telemetry',
      'UPDATE ride.log_positions SET next_offset = 0',
      'TRUNCATE ride.trips',
      'CREATE TABLE ride.mine ()',
      'CREATE TABLE analysis.mine ()',
    ]) {
      await expect(asReader(statement)).rejects.toThrow(/permission denied|must be owner/);
    }
  });

  it('refuses a role that does not exist, and one that can write', async () => {
    await load(YESTERDAY);
    await expect(grantReader(pool, 'nobody at all')).rejects.toThrow('role "nobody at all" does not exist');
    await database.query(`GRANT UPDATE (next_offset) ON ride.log_positions TO ${pg.escapeIdentifier(role)}`);
    await expect(grantReader(pool, role)).rejects.toThrow('can write ride.log_positions');
    await expect(asReader('SELECT FROM ride.telemetry')).rejects.toThrow('permission denied');
  });

  it('fails if the current role may not grant SELECT on a table', async () => {
    await load(YESTERDAY);
    const other = pg.escapeIdentifier(`owner ${randomUUID()}`);
    await database.query(`CREATE ROLE ${other}; GRANT USAGE ON SCHEMA ride, analysis TO ${other}`);
    const client = await pool.connect();
    // The pool has one connection left, whose role is another one.
    const limited = await pool.connect();
    await limited.query(`SET ROLE ${other}`);
    limited.release();
    try {
      await expect(grantReader(pool, role)).rejects.toThrow(/may not grant|permission denied/);
    } finally {
      client.release();
      await database.query(`DROP OWNED BY ${other}; DROP ROLE ${other}`);
    }
  });
});
