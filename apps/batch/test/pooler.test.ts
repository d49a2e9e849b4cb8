import type { Server } from 'node:net';
import { Readable } from 'node:stream';
import { telemetryFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { restoreBackup } from '../src/backup/restore-backup.postgres.js';
import { writeBackup } from '../src/backup/write-backup.postgres.js';
import { begin, createPool } from '../src/database/pool.postgres.js';
import { startPooler, urlThrough } from './_pooler.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  makeTrack,
  silent,
  toRecords,
  type TestDatabase,
} from './_util.js';

let broker: TestBroker;
let database: TestDatabase;
let pooler: Server;
let url: string;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
  pooler = await startPooler(new URL(database.url));
  url = urlThrough(pooler, database.url);
});

afterEach(async () => {
  pooler.close();
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const SHOW = `SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement,
  current_setting('idle_in_transaction_session_timeout') AS idle`;
const BOUNDED = { lock: '30s', statement: '2min', idle: '30s' };

describe('a connection pooler', () => {
  it('rejects timeouts as startup parameters', async () => {
    const client = new pg.Client({ connectionString: url, statement_timeout: 1_000 });
    await expect(client.connect()).rejects.toThrow('unsupported startup parameter: statement_timeout');
  });

  it('can be used in front of the database', async () => {
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 200, devices: 5 })));
    await using loads = await createLoadRunner(broker, { ...database, url });
    expect(await loads.load(new AbortController().signal)).toMatchObject({ rows: 200 });
  });

  it('can be used for a backup and a restore', async () => {
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 300, devices: 5 })));
    await using loads = await createLoadRunner(broker, { ...database, url });
    await loads.load(new AbortController().signal);
    await using empty = await createTestDatabase();
    const poolOf = (direct: string) =>
      createPool({ url: urlThrough(pooler, direct), size: 2, logger: silent });
    const [source, target] = [poolOf(database.url), poolOf(empty.url)];
    try {
      const blocks: Buffer[] = [];
      const options = { onProgress: () => {}, signal: new AbortController().signal };
      await writeBackup(source, {
        ...options,
        write: async (block) => void blocks.push(Buffer.from(block)),
      });
      await restoreBackup(target, Readable.from(blocks), options);
    } finally {
      await Promise.all([source.end(), target.end()]);
    }
    const rows = `SELECT md5(string_agg(stored::text, '' ORDER BY telemetry_id)) FROM ride.telemetry AS stored`;
    expect(await empty.one(rows)).toBe(await database.one(rows));
    expect(await empty.one('SELECT count(*)::integer FROM ride.cell_quarters')).toBeGreaterThan(0);
  });

  it('does not change the session settings of other clients', async () => {
    const pool = createPool({ url, size: 1, logger: silent });
    const { rows } = await pool.query(SHOW);
    await pool.end();
    expect(rows).toEqual([{ lock: '0', statement: '0', idle: '0' }]);
  });
});

describe('a transaction', () => {
  it('has its timeouts, also through a pooler', async () => {
    const pool = createPool({ url, size: 1, logger: silent });
    const client = await pool.connect();
    await begin(client);
    const { rows } = await client.query(SHOW);
    await client.query('COMMIT');
    client.release();
    await pool.end();
    expect(rows).toEqual([BOUNDED]);
  });
});

describe('a connection', () => {
  it('has its timeouts in every statement without a pooler', async () => {
    const pool = createPool({ url: database.url, size: 1, logger: silent });
    const { rows } = await pool.query(SHOW);
    await pool.end();
    expect(rows).toEqual([BOUNDED]);
  });
});
