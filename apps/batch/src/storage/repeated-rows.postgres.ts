import type pg from 'pg';
import { inTransaction, type Pool } from '../database/pool.postgres.js';
import { dayOf, startOf } from '../rows/day.js';
import type { Table } from '../rows/tables.js';

/** Advisory lock of the process that looks for repeated ids. The same number in every process. */
const LOCK = 7_245_133;
/** A day is complete that long after its end: transactions of loads that recorded its keys have ended. */
const COMPLETE_AFTER_MS = 3_600_000;
/** Keys whose rows are looked for together, at about 100 bytes of memory each. */
const MAX_KEYS = 1_000_000;
const WORK_MEMORY = '64MB';
/** Maximum duration of a statement, which may read an index of all rows. */
const STATEMENT_TIMEOUT_MS = 1_800_000;
/** Days between the load of an event and its time at most, if the clock of a device or of a process is ahead. */
const DAYS_AHEAD = 1;

interface RepeatCheck {
  /** Whether days are complete that were not checked. */
  readonly isDue: boolean;
  /** Last day of loads that were checked, as `YYYY-MM-DD`. */
  readonly checkedOn: string;
  /** First day whose events cannot be those of an expired key, as `YYYY-MM-DD`. */
  readonly before: string;
}

/**
 * Records in `ride.repeated_rows` the rows with an id that occurs with another event time. Keys in `ride.*_seen` keep such a row
 * from being loaded until they expire, so the events that were loaded on a day are compared with the rows that may be older
 * than all keys, once the day is complete. Without expired keys there is nothing to compare. If another process is doing
 * it, this one does nothing. Returns the number of rows that were recorded.
 */
export async function recordRepeatedRows(
  pool: Pool,
  tables: readonly Table[],
  nowMs: number,
): Promise<number> {
  const lastDay = dateOf(nowMs - COMPLETE_AFTER_MS - 86_400_000);
  let recorded = 0;
  for (const table of tables) {
    recorded += await inTransaction(pool, (client) => checkTable(client, table, lastDay));
  }
  return recorded;
}

/** Records that keys of a table have been deleted that were recorded until a number of days ago. */
export async function recordExpiry(client: pg.ClientBase, table: string, windowDays: number): Promise<void> {
  await client.query(
    // Until the first keys expire, no row can be repeated.
    `INSERT INTO ride.repeat_checks AS stored (table_name, checked_on, expired_on)
     SELECT $1, today - 1, today - $2::integer - 1 FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS days
     ON CONFLICT (table_name) DO UPDATE SET expired_on = excluded.expired_on WHERE stored.expired_on < excluded.expired_on`,
    [table, windowDays],
  );
}

async function checkTable(client: pg.ClientBase, table: Table, lastDay: string): Promise<number> {
  const check = await readCheck(client, table.name, lastDay);
  if (check?.isDue !== true) return 0;
  const { rows: locks } = await client.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_xact_lock($1) AS locked',
    [LOCK],
  );
  if (locks[0]?.locked !== true) return 0;
  await client.query(
    `SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}; SET LOCAL work_mem = '${WORK_MEMORY}'`,
  );
  await deleteRemoved(client, table);
  const { rows } = await client.query<{ keys: string }>(
    `SELECT count(*) AS keys FROM ride.${table.name}_seen WHERE seen_on > $1 AND seen_on <= $2`,
    [check.checkedOn, lastDay],
  );
  const parts = Math.max(1, Math.ceil(Number(rows[0]!.keys) / MAX_KEYS));
  let recorded = 0;
  for (let part = 0; part < parts; part += 1) {
    recorded += await recordRows(client, table, { ...check, lastDay, part, parts });
  }
  await client.query('UPDATE ride.repeat_checks SET checked_on = $2 WHERE table_name = $1', [
    table.name,
    lastDay,
  ]);
  return recorded;
}

async function readCheck(
  client: pg.ClientBase,
  table: string,
  lastDay: string,
): Promise<RepeatCheck | undefined> {
  const { rows } = await client.query<RepeatCheck>(
    `SELECT checked_on < $2::date AS "isDue", checked_on::text AS "checkedOn",
       (expired_on + 1 + ${DAYS_AHEAD})::text AS before
     FROM ride.repeat_checks WHERE table_name = $1`,
    [table, lastDay],
  );
  return rows[0];
}

/** Rows that an erasure or the retention has removed. The view leaves them out already. */
async function deleteRemoved(client: pg.ClientBase, { name, idColumn, timeColumn }: Table): Promise<void> {
  await client.query(
    `DELETE FROM ride.repeated_rows AS repeated WHERE table_name = $1 AND NOT EXISTS (
       SELECT FROM ride.${name} AS stored
       WHERE stored."${idColumn}" = repeated.id AND stored.provider_id = repeated.provider_id
         AND stored."${timeColumn}" = repeated."timestamp")`,
    [name],
  );
}

/** Records the repeated rows of a part of the keys. */
async function recordRows(
  client: pg.ClientBase,
  { name, idColumn, timeColumn }: Table,
  {
    checkedOn,
    lastDay,
    before,
    part,
    parts,
  }: RepeatCheck & { readonly lastDay: string; readonly part: number; readonly parts: number },
): Promise<number> {
  const { rowCount } = await client.query(
    `WITH keys AS MATERIALIZED (
       SELECT id, provider_id, day FROM ride.${name}_seen
       WHERE seen_on > $1 AND seen_on <= $2
         -- The planner would take the comparison itself for one with very few results, and look up each key in each partition.
         AND CASE WHEN mod(abs(uuid_hash(id)::bigint), $4) = $5 THEN true ELSE false END
     ), repeated AS MATERIALIZED (
       SELECT keys.id, keys.provider_id
       FROM keys JOIN ride.${name} AS stored ON stored."${idColumn}" = keys.id AND stored.provider_id = keys.provider_id
       WHERE stored."${timeColumn}" < $3::date::timestamp AT TIME ZONE 'UTC'
       -- The row of the key itself is one of them if its time is before.
       GROUP BY keys.id, keys.provider_id, keys.day HAVING count(*) > (keys.day < $3::date)::integer
     )
     INSERT INTO ride.repeated_rows (table_name, id, provider_id, "timestamp")
     SELECT $6, repeated.id, repeated.provider_id, stored.time
     FROM repeated CROSS JOIN LATERAL (
       SELECT stored."${timeColumn}" AS time FROM ride.${name} AS stored
       WHERE stored."${idColumn}" = repeated.id AND stored.provider_id = repeated.provider_id
     ) AS stored
     ON CONFLICT DO NOTHING`,
    [checkedOn, lastDay, before, parts, part, name],
  );
  return rowCount ?? 0;
}

function dateOf(timeMs: number): string {
  return startOf(dayOf(timeMs)).slice(0, 10);
}
