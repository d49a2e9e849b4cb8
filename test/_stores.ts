import { telemetryFamily } from '@hailstream/events';
import { createRangeReader } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import pg from 'pg';
import type { System } from './_system.js';

/** Reads the log and Postgres directly, not through the services. */

/** Distinct ids and number of records of the telemetry topic. */
export async function telemetryInLog(
  system: System,
): Promise<{ readonly records: number; readonly distinct: number }> {
  const connection = await system.log();
  const logger = createLogger({ name: 'system-test', level: 'silent' });
  const ids = new Set<string>();
  let count = 0;
  await using reader = createRangeReader({ connection, logger });
  const ranges = [{ topic: telemetryFamily.topic.name, from: 'earliest', to: 'latest' }] as const;
  for await (const { records } of await reader.readRange({ ranges })) {
    for (const { value } of records) {
      const { telemetry_id: id } = JSON.parse(String(value)) as { telemetry_id: string };
      ids.add(id);
    }
    count += records.length;
  }
  return { records: count, distinct: ids.size };
}

/** Rows, ids and devices of `ride.telemetry`. */
export async function telemetryInPostgres(
  system: System,
): Promise<{ readonly rows: number; readonly distinct: number; readonly devices: number }> {
  const [found] = await queryRows<{ rows: string; distinct: string; devices: string }>(
    system,
    `SELECT count(*) AS rows, count(DISTINCT telemetry_id) AS distinct, count(DISTINCT device_id) AS devices
     FROM ride.telemetry`,
  );
  return { rows: Number(found?.rows), distinct: Number(found?.distinct), devices: Number(found?.devices) };
}

/** Number of rows of a table or view. */
export async function countRows(system: System, relation: string): Promise<number> {
  const [found] = await queryRows<{ rows: string }>(system, `SELECT count(*) AS rows FROM ${relation}`);
  return Number(found?.rows);
}

/** The rows of a query. */
export async function queryRows<T extends pg.QueryResultRow>(system: System, sql: string): Promise<T[]> {
  const { databaseUrl } = await system.run();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}
