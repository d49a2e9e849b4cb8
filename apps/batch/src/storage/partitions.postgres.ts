import type pg from 'pg';
import { begin } from '../database/pool.postgres.js';
import { dayOf, startOf, type Day } from '../rows/day.js';
import { withPartitionSettings } from './partition-settings.js';
import { includes, tablePartitionName, rangeFor, type PartitionRange } from '../rows/partition-range.js';

/** Advisory lock of the process that creates partitions. The same number in every process. */
const LOCK = 7_245_118;

/** Number of names that are tried for a partition. */
const MAX_NAMES = 100;

/**
 * Returns the days for which a table has no partition. Partitions of the other days cannot be dropped or detached until
 * the transaction ends.
 */
export async function missingDays(client: pg.ClientBase, table: string, days: Iterable<Day>): Promise<Day[]> {
  // The lock of an insert, acquired before the partitions are read.
  await client.query(`LOCK TABLE ONLY ride.${table} IN ROW EXCLUSIVE MODE`);
  return withoutPartition(await readPartitions(client, table), days);
}

/**
 * Creates the partitions of days, each in its own transaction. Concurrent calls of other processes are safe. ATTACH
 * PARTITION acquires SHARE UPDATE EXCLUSIVE on the table, which does not conflict with queries and loads. There is no default
 * partition, because every ATTACH would lock it exclusively and scan it.
 */
export async function createPartitions(
  client: pg.ClientBase,
  table: string,
  { days, nowMs }: { readonly days: readonly Day[]; readonly nowMs: number },
): Promise<void> {
  for (let missing = [...days]; missing.length > 0;) {
    await begin(client);
    const partitions = await createPartition(client, table, { day: missing[0]!, nowMs });
    await client.query('COMMIT');
    missing = withoutPartition(partitions, missing);
  }
}

/** Starts a transaction in which a table has a partition for each of some days. */
export async function beginWithPartitions(
  client: pg.ClientBase,
  table: string,
  allDays: ReadonlySet<Day>,
): Promise<void> {
  for (;;) {
    await begin(client);
    const days = await missingDays(client, table, allDays);
    if (days.length === 0) return;
    await client.query('ROLLBACK');
    await createPartitions(client, table, { days, nowMs: Date.now() });
  }
}

/** Creates the partition of a day if it does not exist, in the current transaction. Returns all partitions. */
export async function createPartition(
  client: pg.ClientBase,
  table: string,
  { day, nowMs }: { readonly day: Day; readonly nowMs: number },
): Promise<PartitionRange[]> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
  const existing = await readPartitions(client, table);
  if (withoutPartition(existing, [day]).length === 0) return existing;
  const range = rangeFor(day, existing, dayOf(nowMs));
  const name = await unusedName(client, tablePartitionName(table, range));
  const { from, to } = { from: bound(range.from), to: bound(range.to) };
  await client.query(
    `CREATE TABLE ride."${name}" (LIKE ride.${table} INCLUDING ALL) ${withPartitionSettings()};
     ALTER TABLE ride.${table} ATTACH PARTITION ride."${name}" FOR VALUES FROM (${from}) TO (${to})`,
  );
  // Days without a partition have no rows: events that were dropped with one can be loaded again.
  await client.query(
    `DELETE FROM ride.${table}_seen WHERE day < ($2::timestamptz AT TIME ZONE 'UTC')::date
       AND day >= coalesce(($1::timestamptz AT TIME ZONE 'UTC')::date, '-infinity')`,
    [range.from === -Infinity ? null : startOf(range.from), startOf(range.to)],
  );
  return [...existing, range];
}

function bound(day: Day): string {
  return day === -Infinity ? 'MINVALUE' : `'${startOf(day)}'`;
}

/** A partition of a table. */
export interface TablePartition extends PartitionRange {
  /** Without the schema. */
  readonly name: string;
  /** Whether DETACH … CONCURRENTLY was interrupted: queries no longer read the partition. */
  readonly isDetaching: boolean;
}

/** Postgres parses the bounds, because they are formatted in the time zone and date style of the session. */
export async function readPartitions(
  client: Pick<pg.ClientBase, 'query'>,
  table: string,
): Promise<TablePartition[]> {
  const { rows } = await client.query<{
    name: string;
    detaching: boolean;
    from: number | null;
    to: number | null;
  }>(
    `SELECT partitions.relname AS name, inhdetachpending AS detaching,
       (extract(epoch FROM substring(bounds FROM 'FROM \\(''([^'']+)''\\)')::timestamptz) / 86400)::float8 AS "from",
       (extract(epoch FROM substring(bounds FROM 'TO \\(''([^'']+)''\\)')::timestamptz) / 86400)::float8 AS "to"
     FROM pg_inherits JOIN pg_class AS partitions ON partitions.oid = inhrelid,
       pg_get_expr(partitions.relpartbound, partitions.oid) AS bounds
     WHERE inhparent = $1::regclass`,
    [`ride.${table}`],
  );
  // A partition that was created manually may cover part of a day: the day counts as covered.
  return rows.map(({ name, detaching, from, to }) => ({
    name,
    isDetaching: detaching,
    from: from === null ? -Infinity : Math.floor(from),
    to: to === null ? Infinity : Math.ceil(to),
  }));
}

function withoutPartition(existing: readonly PartitionRange[], days: Iterable<Day>): Day[] {
  return [...days].filter((day) => !existing.some((range) => includes(range, day)));
}

/** A detached table may still have the name. */
async function unusedName(client: pg.ClientBase, preferred: string): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM (
       SELECT $1 || CASE number WHEN 1 THEN '' ELSE '_' || number END AS name, number
       FROM generate_series(1, $2) AS number
     ) AS names
     WHERE to_regclass('ride."' || name || '"') IS NULL ORDER BY number LIMIT 1`,
    [preferred, MAX_NAMES],
  );
  const [unused] = rows;
  if (unused === undefined)
    throw new Error(`ride.${preferred}: ${MAX_NAMES} detached tables already use this name`);
  return unused.name;
}
