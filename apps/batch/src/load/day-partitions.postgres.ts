import type pg from 'pg';
import { partitionName, startOf, type Day } from '../rows/day.js';

/** Any number of our own: whoever has this lock makes partitions. */
const LOCK = 7_245_118;

/** Which of a table's days have no partition attached. */
export async function missingDays(client: pg.ClientBase, table: string, days: Iterable<Day>): Promise<Day[]> {
  const byName = new Map([...days].map((day) => [partitionName(table, day), day]));
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) AS name
     WHERE NOT EXISTS (SELECT FROM pg_inherits
                       WHERE inhparent = to_regclass($2) AND inhrelid = to_regclass('ride.' || name))`,
    [[...byName.keys()], `ride.${table}`],
  );
  return rows.map(({ name }) => byName.get(name)!);
}

/**
 * Makes the partitions for days, whoever else does the same. In a transaction of its own: attaching takes a lock that
 * loads and queries go on beside, and that no load may wait for while it holds its own.
 */
export async function makeDays(client: pg.ClientBase, table: string, days: readonly Day[]): Promise<void> {
  await client.query('BEGIN');
  await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
  for (const day of await missingDays(client, table, days)) {
    const partition = `ride.${partitionName(table, day)}`;
    await client.query(
      `CREATE TABLE ${partition} (LIKE ride.${table} INCLUDING ALL);
       ALTER TABLE ride.${table} ATTACH PARTITION ${partition}
         FOR VALUES FROM ('${startOf(day)}') TO ('${startOf(day + 1)}')`,
    );
  }
  await client.query('COMMIT');
}
