import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { telemetryFamily, tripFamily } from '@hailstream/events';
import { startTestBroker } from '@hailstream/log/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../src/database/migrate.postgres.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeTelemetry,
  makeTrip,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

let database: TestDatabase;
let pool: pg.Pool;

beforeEach(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
  pool.on('error', () => {});
});

afterEach(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

/** The schema of the first release, created by its own migrations. */
async function createFirstRelease(): Promise<void> {
  await database.query(
    `CREATE TABLE public.hailstream_migrations (
       version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
  );
  for (const [index, name] of ['001-ride.sql', '002-analysis.sql'].entries()) {
    await database.query(await readFile(new URL(`../migrations/${name}`, import.meta.url), 'utf8'));
    await database.query('INSERT INTO public.hailstream_migrations (version, name) VALUES ($1, $2)', [
      index + 1,
      name,
    ]);
  }
}

/** A row and its partition, as written by the first release. */
async function writeAsFirstRelease(
  ids: { telemetry: string; trip: string },
  provider: string,
): Promise<void> {
  const day = new Date(YESTERDAY).toISOString();
  const name = day.slice(0, 10).replaceAll('-', '');
  const next = new Date(YESTERDAY + DAY_MS).toISOString();
  for (const table of ['telemetry', 'trips']) {
    await database.query(
      `CREATE TABLE ride.${table}_${name} (LIKE ride.${table} INCLUDING ALL);
       ALTER TABLE ride.${table} ATTACH PARTITION ride.${table}_${name} FOR VALUES FROM ('${day}') TO ('${next}')`,
    );
  }
  await database.query(
    `INSERT INTO ride.telemetry (telemetry_id, device_id, provider_id, "timestamp", lat, lng, h3_cell)
     VALUES ($1, gen_random_uuid(), $2, $3, 1, 2, 3)`,
    [ids.telemetry, provider, day],
  );
  await database.query('INSERT INTO ride.telemetry_seen VALUES ($1)', [ids.telemetry]);
  await database.query(
    `INSERT INTO ride.trips (trip_id, provider_id, device_id, start_time, end_time, start_location, end_location,
       duration, distance) VALUES ($1, $2, gen_random_uuid(), $3, $3, '{}', '{}', 1, 1)`,
    [ids.trip, provider, day],
  );
  await database.query('INSERT INTO ride.trips_seen VALUES ($1)', [ids.trip]);
  await database.query(`INSERT INTO ride.log_positions VALUES ('ride.telemetry', 0, 0)`);
}

describe(migrate, () => {
  it('keeps the rows of the first release, with their ids and providers', async () => {
    const ids = { telemetry: randomUUID(), trip: randomUUID() };
    const event = makeTelemetry({ telemetry_id: ids.telemetry, timestamp: YESTERDAY });
    const droppedId = randomUUID();
    await createFirstRelease();
    await writeAsFirstRelease(ids, event.provider_id);
    // The key of a row whose day was dropped.
    await database.query('INSERT INTO ride.telemetry_seen VALUES ($1)', [droppedId]);
    await migrate(pool);
    expect(await database.query('SELECT telemetry_id AS id FROM ride.telemetry')).toEqual([
      { id: ids.telemetry },
    ]);
    expect(
      await database.query(
        'SELECT id, provider_id, day::text FROM ride.telemetry_seen UNION ALL SELECT id, provider_id, day::text FROM ride.trips_seen',
      ),
    ).toEqual(
      [ids.telemetry, ids.trip].map((id) => ({
        id,
        provider_id: event.provider_id,
        day: new Date(YESTERDAY).toISOString().slice(0, 10),
      })),
    );

    await using broker = await startTestBroker();
    await append(broker, telemetryFamily.topic.name, [
      { key: 'k', value: event },
      { key: 'k', value: { ...event, provider_id: randomUUID() } },
      { key: 'k', value: makeTelemetry({ telemetry_id: droppedId }) },
    ]);
    const trip = makeTrip({ trip_id: ids.trip, start_time: YESTERDAY, end_time: YESTERDAY });
    await append(broker, tripFamily.topic.name, [
      { key: 'k', value: trip },
      { key: 'k', value: { ...trip, provider_id: randomUUID() } },
    ]);
    await using loads = await createLoadRunner(broker, database);
    expect(await loads.load(new AbortController().signal)).toMatchObject({
      rejects: 0,
      topics: { [telemetryFamily.topic.name]: { rows: 2 }, [tripFamily.topic.name]: { rows: 1 } },
    });
  });

  it('leaves no primary key without the provider', async () => {
    await createFirstRelease();
    await migrate(pool);
    const keys = await database.query<{ name: string; key: string }>(
      `SELECT conrelid::regclass::text AS name, pg_get_constraintdef(oid) AS key FROM pg_constraint
       WHERE contype = 'p' AND connamespace = 'ride'::regnamespace
         AND conrelid::regclass::text ~ '^ride.(telemetry|vehicle_events|rider_events|trips)' ORDER BY 1`,
    );
    expect(keys).toHaveLength(8);
    for (const { key } of keys) expect(key).toContain('provider_id');
  });

  it('applies missing migrations once with concurrent processes', async () => {
    const applied = await Promise.all([migrate(pool), migrate(pool)]);
    const names = applied.flat();
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
    expect(names.length).toBeGreaterThanOrEqual(5);
    expect(await migrate(pool)).toEqual([]);
  });
});

describe('the role that migrates', () => {
  const role = `batch_${randomUUID().replaceAll('-', '')}`;
  let name: string;
  let ofRole: pg.Pool;
  let url: string;

  beforeEach(async () => {
    name = await database.one('SELECT current_database()');
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret' NOSUPERUSER NOCREATEDB NOCREATEROLE`);
    await database.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    const roleUrl = new URL(database.url);
    roleUrl.username = role;
    roleUrl.password = 'secret';
    url = roleUrl.href;
    ofRole = new pg.Pool({ connectionString: url, max: 2 });
    ofRole.on('error', () => {});
  });

  afterEach(async () => {
    await ofRole.end();
    await database.query(`DROP OWNED BY ${role} CASCADE`);
    await database.query(`DROP ROLE ${role}`);
  });

  async function expectToLoad(): Promise<void> {
    expect((await migrate(ofRole)).length).toBeGreaterThanOrEqual(5);
    await using broker = await startTestBroker();
    await append(broker, telemetryFamily.topic.name, [
      { key: 'k', value: makeTelemetry() },
      { key: 'k', value: makeTelemetry({ timestamp: YESTERDAY - 90 * DAY_MS }) },
      { key: 'k', value: Buffer.from('nonsense') },
    ]);
    await using loads = await createLoadRunner(broker, { ...database, url });
    const result = await loads.load(new AbortController().signal);
    expect(result).toMatchObject({ rows: 2, rejects: 1 });
  }

  it('needs only its own schemas', async () => {
    await database.query(
      `CREATE SCHEMA ride AUTHORIZATION ${role}; CREATE SCHEMA analysis AUTHORIZATION ${role}`,
    );
    await expectToLoad();
  });

  it("needs only USAGE and CREATE on another role's schemas", async () => {
    await database.query(`CREATE SCHEMA ride; CREATE SCHEMA analysis;
      GRANT USAGE, CREATE ON SCHEMA ride, analysis TO ${role}`);
    await expectToLoad();
  });

  it('needs only CREATE on the database', async () => {
    await database.query(`GRANT CREATE ON DATABASE ${name} TO ${role}`);
    await expectToLoad();
  });

  it('receives the missing privilege and the statement that grants it', async () => {
    const refusal = () => migrate(ofRole).then(String, (error: Error & { code?: string }) => error);
    expect(await refusal()).toMatchObject({
      code: '42501',
      message: expect.stringContaining(`CREATE SCHEMA ride AUTHORIZATION ${role}`) as string,
    });
    await database.query('CREATE SCHEMA ride');
    await database.query(`CREATE SCHEMA analysis AUTHORIZATION ${role}`);
    expect(await refusal()).toMatchObject({
      message: `role ${role} needs USAGE and CREATE on schema ride: GRANT USAGE, CREATE ON SCHEMA ride TO ${role}`,
    });
    await database.query(`GRANT USAGE, CREATE ON SCHEMA ride TO ${role}`);
    await database.query('CREATE TABLE ride.telemetry (id integer)');
    expect(await refusal()).toMatchObject({
      message: expect.stringMatching(/^ride\.telemetry belongs to \w+, and only its owner/) as string,
    });
    await database.query('DROP TABLE ride.telemetry');
    expect(await migrate(ofRole)).not.toEqual([]);
  });
});
