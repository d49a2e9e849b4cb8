import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { riderEventFamily, telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runBackup, runRestore } from '../src/commands/backup-command.js';
import { CommandModule, createCommandContext } from '../src/commands/command.module.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  loadConfigOf,
  makeRiderEvent,
  makeTrack,
  makeTrip,
  makeVehicleEvent,
  silent,
  toRecords,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const topic = telemetryFamily.topic.name;
const NEVER = new AbortController().signal;
/** Rows that a load has written before a backup starts. */
const ROWS_BEFORE_BACKUP = 500;
/** Most of them decompress to content that is wrong, some to content that Postgres refuses. */
const FLIPPED_BITS = 48;

let broker: TestBroker;
let database: TestDatabase;
let folder: string;
/** A backup of `database`, which does not change after it. */
let file: string;

beforeAll(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
  folder = await mkdtemp(join(tmpdir(), 'backup-'));
  file = join(folder, 'backup.gz');
  const track = makeTrack({ points: 3_000, devices: 30 });
  await append(broker, topic, [
    ...toRecords(track),
    ...toRecords(track.slice(0, 50)),
    ...toRecords(track.slice(0, 100).map((point) => ({ ...point, timestamp: point.timestamp - 3 * DAY_MS }))),
    { key: 'k', value: Buffer.from('not JSON\t\\N\n') },
  ]);
  const trip = makeTrip();
  const events = [
    makeVehicleEvent({ timestamp: YESTERDAY - 40 * DAY_MS }),
    makeVehicleEvent({
      event_types: ['trip_start'],
      vehicle_state: 'on_trip',
      trip_ids: [trip.trip_id],
      device_id: trip.device_id,
    }),
    makeVehicleEvent({
      event_types: ['trip_end'],
      vehicle_state: 'available',
      trip_ids: [trip.trip_id],
      device_id: trip.device_id,
      timestamp: YESTERDAY + 4_200_000,
    }),
  ];
  await append(
    broker,
    vehicleEventFamily.topic.name,
    events.map((value) => ({ key: value.device_id, value })),
  );
  await append(broker, riderEventFamily.topic.name, [
    { key: trip.trip_id, value: makeRiderEvent({ trip_id: trip.trip_id }) },
  ]);
  await append(broker, tripFamily.topic.name, [{ key: trip.trip_id, value: trip }]);
  await load(database);
  await database.query(
    `INSERT INTO ride.zones (zone_id, name, geometry) VALUES ('port', E'Port \\\\ Hercule\\n"\\t', '{"type":"Polygon"}')`,
  );
  await database.query(`INSERT INTO ride.zone_cells (zone_id, h3_cell) VALUES ('port', 617733122422996991)`);
  await database.query(
    `INSERT INTO ride.log_gaps (topic, partition, from_offset, to_offset, cause) VALUES ('ride.telemetry', 0, 5, 7, 'deleted')`,
  );
  await backup(database, file);
}, 120_000);

afterAll(async () => {
  await rm(folder, { recursive: true });
  await database[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

describe('backup and restore', () => {
  it('preserve every row, partition and sequence of every table', async () => {
    await using restored = await createTestDatabase();
    await restore(restored, file);
    const contents = await contentsOf(database);
    const partitions = await database.one<number>(
      `SELECT count(*)::int FROM pg_inherits WHERE inhparent = 'ride.vehicle_events'::regclass`,
    );
    expect(partitions).toBe(2);
    expect(contents['log_gaps']).toMatchObject({ rows: '1' });
    expect(await contentsOf(restored)).toEqual(contents);
    expect(await structureOf(restored)).toEqual(await structureOf(database));
    // The next identity does not exist yet.
    await restored.query(
      `INSERT INTO ride.log_gaps (topic, partition, from_offset, to_offset, cause) SELECT topic, partition, 8, 9, cause FROM ride.log_gaps`,
    );
    expect(await restored.one('SELECT count(*)::int FROM ride.log_gaps')).toBe(2);
  });

  it('continue where the backup was made, also if it was made during a load', async () => {
    await using source = await createTestDatabase();
    await using restored = await createTestDatabase();
    await using running = await startTestBroker();
    const track = makeTrack({ points: 3_000, devices: 40 });
    await append(running, topic, toRecords(track));
    const during = join(folder, 'during.gz');
    await using runner = await createLoadRunner(running, source, { chunkRecords: 50 });
    await runner.migrate();
    const loading = runner.load(NEVER);
    await until(
      async () => (await source.one<number>('SELECT count(*)::int FROM ride.telemetry')) > ROWS_BEFORE_BACKUP,
    );
    await backup(source, during);
    await loading;
    await restore(restored, during);
    const rows = await restored.one<number>('SELECT count(*)::int FROM ride.telemetry');
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThan(3_000);
    await using other = await createLoadRunner(running, restored);
    await other.load(NEVER);
    const ids = 'SELECT telemetry_id FROM ride.telemetry ORDER BY telemetry_id';
    expect((await restored.query<{ telemetry_id: string }>(ids)).map((row) => row.telemetry_id)).toEqual(
      track.map((point) => point.telemetry_id).toSorted(),
    );
    const verified = await other.verify({
      topics: [topic],
      from: { kind: 'earliest' },
      to: { kind: 'latest' },
      partition: undefined,
    });
    expect(verified).toMatchObject({ ok: true });
  });

  it('refuse an incomplete or damaged file, and leave no rows', async () => {
    await using restored = await createTestDatabase();
    const bytes = await readFile(file);
    const bad = join(folder, 'bad.gz');
    const content = gunzipSync(bytes);
    const flipped = Array.from({ length: FLIPPED_BITS }, (_, index) => {
      const copy = Buffer.from(bytes);
      copy[Math.floor((bytes.length * (index + 0.5)) / FLIPPED_BITS)]! ^= 1 << (index % 8);
      return copy;
    });
    // A bit of a distance in gzip can lead to the same bytes elsewhere: the file is then not damaged.
    const damaged = flipped.filter((copy) => !decompressesTo(copy, content));
    expect(damaged.length).toBeGreaterThan(FLIPPED_BITS / 2);
    const versions = [0, 5, bytes.length >> 2, bytes.length >> 1, bytes.length - 1].map((length) =>
      bytes.subarray(0, length),
    );
    // Complete for gzip, but without the end.
    const shortened = [content.length - 1, content.length >> 1].map((length) =>
      gzipSync(content.subarray(0, length)),
    );
    for (const version of [
      ...versions,
      ...damaged,
      ...shortened,
      gzipSync(Buffer.concat([content, content])),
    ]) {
      await writeFile(bad, version);
      await expect(restore(restored, bad)).rejects.toMatchObject({ code: 'BACKUP' });
      expect(await rowsOf(restored)).toBe(0);
    }
    await restore(restored, file);
    expect(await contentsOf(restored)).toEqual(await contentsOf(database));
  });

  it('leave no rows if they are interrupted', async () => {
    await using restored = await createTestDatabase();
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await expect(restore(restored, file, stop.signal)).rejects.toThrow('stopped');
    expect(await rowsOf(restored)).toBe(0);
    const partial = join(folder, 'stopped.gz');
    await expect(backup(database, partial, stop.signal)).rejects.toThrow('stopped');
    await expect(readFile(partial)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuse a database with rows, and do not change it', async () => {
    const before = await contentsOf(database);
    await expect(restore(database, file)).rejects.toThrow(
      /^the database has rows in ride\.\w+: restore into a new/,
    );
    expect(await contentsOf(database)).toEqual(before);
  });

  it('refuse a backup of a newer schema or another format, and a file that is not a backup', async () => {
    await using restored = await createTestDatabase();
    const other = join(folder, 'other.gz');
    const content = gunzipSync(await readFile(file));
    const header = JSON.parse(content.toString('utf8', 4, 4 + content.readUInt32BE())) as object;
    const written = async (changed: object): Promise<void> => {
      const json = Buffer.from(JSON.stringify({ ...header, ...changed }));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(json.length);
      await writeFile(other, gzipSync(Buffer.concat([length, json])));
    };
    await written({ migrations: [1, 2, 999] });
    await expect(restore(restored, other)).rejects.toThrow(/migrations that this release does not have: 999/);
    await written({ version: 2 });
    await expect(restore(restored, other)).rejects.toThrow(/version 2 of the format, expected 1/);
    await writeFile(other, 'SELECT 1');
    await expect(restore(restored, other)).rejects.toThrow(/is not a complete backup/);
    await expect(restore(restored, join(folder, 'none'))).rejects.toThrow(/none does not exist/);
  });
});

async function load(target: TestDatabase): Promise<void> {
  await using runner = await createLoadRunner(broker, target);
  await runner.load(NEVER);
}

async function backup(target: TestDatabase, to: string, signal = NEVER): Promise<void> {
  const app = await createCommandContext(CommandModule.forRoot(loadConfigOf(broker, target), silent));
  try {
    await runBackup(app, { file: to, isForced: false, isJson: true }, signal);
  } finally {
    await app.close();
  }
}

async function restore(target: TestDatabase, from: string, signal = NEVER): Promise<void> {
  const app = await createCommandContext(CommandModule.forRoot(loadConfigOf(broker, target), silent));
  try {
    await runRestore(app, { file: from, isJson: true }, signal);
  } finally {
    await app.close();
  }
}

/** Whether bytes are intact gzip with this content. */
function decompressesTo(bytes: Buffer, content: Buffer): boolean {
  try {
    return gunzipSync(bytes).equals(content);
  } catch {
    return false;
  }
}

/** For each table with rows of its own, their number and a hash of all columns in any order. */
async function contentsOf(target: TestDatabase): Promise<Record<string, object>> {
  const tables = await target.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'ride'::regnamespace AND relkind = 'r'
       AND relname <> 'hailstream_migrations' ORDER BY 1`,
  );
  const contents: Record<string, object> = {};
  for (const { name } of tables) {
    const [content] = await target.query(
      `SELECT count(*) AS rows, md5(string_agg(t::text, E'\\n' ORDER BY t::text)) AS hash FROM ride."${name}" AS t`,
    );
    contents[name] = content!;
  }
  return contents;
}

/** Columns, indexes, constraints, bounds and comments, as Postgres describes them. */
async function structureOf(target: TestDatabase): Promise<object> {
  const columns = await target.query(
    `SELECT table_schema, table_name, column_name, data_type, column_default, is_nullable, is_identity
     FROM information_schema.columns WHERE table_schema IN ('ride', 'analysis') ORDER BY 1, 2, 3`,
  );
  const indexes = await target.query(
    `SELECT tablename, regexp_replace(indexdef, 'INDEX \\S+', 'INDEX') AS definition FROM pg_indexes WHERE schemaname = 'ride' ORDER BY 1, 2`,
  );
  const bounds = await target.query(
    `SELECT relname, pg_get_expr(relpartbound, oid) AS bounds, reloptions FROM pg_class
     WHERE relnamespace = 'ride'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1`,
  );
  return { columns, indexes, bounds };
}

async function rowsOf(target: TestDatabase): Promise<number> {
  const exists = await target.one<boolean>(`SELECT to_regclass('ride.telemetry') IS NOT NULL`);
  if (!exists) return 0;
  return target.one<number>(
    `SELECT ((SELECT count(*) FROM ride.telemetry) + (SELECT count(*) FROM ride.log_positions)
       + (SELECT count(*) FROM ride.zones) + (SELECT count(*) FROM ride.trips))::int`,
  );
}
