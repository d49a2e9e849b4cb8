import pg from 'pg';
import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import {
  begin,
  boundSession,
  inTransaction,
  isDirect,
  withConnection,
  type Pool,
} from '../../database/pool.postgres.js';
import type { Day } from '../../rows/day.js';
import { markPartition } from '../../trips/comparison/mark-comparisons.postgres.js';
import { readPartitions, type TablePartition } from '../../storage/partitions.postgres.js';

/** Maximum wait for queries that read the table, which blocks nothing. The load that the retention follows ends later. */
const WAIT_MS = 5_000;
/** Maximum time for which queries and loads wait behind a DETACH that is not concurrent. */
const BLOCK_MS = 1_000;
/** Attempts of such a DETACH: it fails while a query reads the table. */
const MAX_ATTEMPTS = 5;
const RETRY_BACKOFF = { firstMs: 500, maxMs: 4_000 };

/** SQLSTATEs: a lock was not acquired in time, a statement was cancelled, a deadlock. */
const LOCKED = new Set(['55P03', '57014', '40P01']);
/** SQLSTATEs: the table is in another state, for example because it has a default partition; a view depends on it. */
const IMPOSSIBLE = new Set(['55000', '2BP01']);

/** A partition that was dropped, or that a dry run would drop. */
export interface DroppedPartition {
  readonly partition: string;
  readonly rows: number;
  /** With its indexes. */
  readonly bytes: number;
}

/** A partition that could not be dropped now. The next run tries again. */
export interface PostponedPartition {
  readonly partition: string;
  readonly reason: string;
}

interface DropOptions {
  readonly table: string;
  /** Partitions that end before or at the start of this day are dropped. */
  readonly firstKeptDay: Day;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  readonly onDropped: (dropped: DroppedPartition) => void;
}

/**
 * Drops partitions of which no row is kept. Each is first detached: concurrently, which does not block queries or loads, or
 * through a pooler for at most {@link BLOCK_MS} at a time. Calls of several processes and interrupted calls are safe. Returns the
 * partitions that are locked, or that other objects depend on.
 */
export async function dropPartitions(pool: Pool, options: DropOptions): Promise<PostponedPartition[]> {
  const { table, firstKeptDay, isDryRun, signal, onDropped } = options;
  const partitions = await readPartitions(pool, table);
  // One that is being detached first: a table has at most one.
  const expired = partitions.filter(({ to }) => to <= firstKeptDay).toSorted(byDetaching);
  if (isDryRun) {
    for (const { name } of expired) onDropped(await measure(pool, name));
    return [];
  }
  const attached = new Map(partitions.map((each) => [each.name, each]));
  const begun = await begunDrops(pool, table, attached);
  const postponed: PostponedPartition[] = [];
  for (const name of new Set([...begun, ...expired.map((each) => each.name)])) {
    if (signal.aborted) break;
    try {
      if (attached.has(name)) await detach(pool, { table, name, signal });
      const dropped = await drop(pool, { table, name });
      if (dropped !== undefined) onDropped(dropped);
    } catch (error) {
      postponed.push({ partition: name, reason: reasonToWait(error) });
    }
  }
  return postponed;
}

/** Partitions that an earlier run detached and did not drop. Those that are attached may be kept by now. */
async function begunDrops(
  pool: Pool,
  table: string,
  attached: ReadonlyMap<string, TablePartition>,
): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    'SELECT partition_name AS name FROM ride.retention_drops WHERE table_name = $1 ORDER BY 1',
    [table],
  );
  return rows.map(({ name }) => name).filter((name) => attached.get(name)?.isDetaching ?? true);
}

async function detach(
  pool: Pool,
  { table, name, signal }: { readonly table: string; readonly name: string; readonly signal: AbortSignal },
): Promise<void> {
  await pool.query(
    'INSERT INTO ride.retention_drops (partition_name, table_name) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [name, table],
  );
  for (let attempt = 0; ; attempt += 1) {
    try {
      await withConnection(pool, (client) => detachOnce(client, table, name));
      return;
    } catch (error) {
      const present = (await readPartitions(pool, table)).find((each) => each.name === name);
      if (present === undefined) return;
      const isLocked = error instanceof pg.DatabaseError && LOCKED.has(error.code ?? '');
      if (!isLocked || present.isDetaching || attempt + 1 === MAX_ATTEMPTS || signal.aborted) throw error;
      await sleep(backoffMs(attempt, RETRY_BACKOFF), signal);
    }
  }
}

async function detachOnce(client: pg.ClientBase, table: string, name: string): Promise<void> {
  const statement = `ALTER TABLE ride.${table} DETACH PARTITION ride."${name}"`;
  const present = (await readPartitions(client, table)).find((each) => each.name === name);
  if (present === undefined) return;
  const isConcurrent = present.isDetaching || !(await hasDefaultPartition(client, table));
  if (isConcurrent && (await isDirect(client))) {
    // Not in a transaction, in which CONCURRENTLY is not possible. The settings of a session that failed are dropped with it.
    await client.query(`SET lock_timeout = ${WAIT_MS}`);
    await client.query(`${statement} ${present.isDetaching ? 'FINALIZE' : 'CONCURRENTLY'}`);
    return boundSession(client);
  }
  await begin(client);
  await client.query(`SET LOCAL lock_timeout = ${BLOCK_MS}`);
  await client.query(present.isDetaching ? `${statement} FINALIZE` : statement);
  await client.query('COMMIT');
}

/** DETACH … CONCURRENTLY is not possible next to a default partition, which only others create. */
async function hasDefaultPartition(client: pg.ClientBase, table: string): Promise<boolean> {
  const { rows } = await client.query<{ exists: boolean }>(
    'SELECT partdefid <> 0 AS exists FROM pg_partitioned_table WHERE partrelid = $1::regclass',
    [`ride.${table}`],
  );
  return rows[0]?.exists === true;
}

/** Drops a detached partition. Returns `undefined` if another process has dropped it. */
async function drop(
  pool: Pool,
  { table, name }: { readonly table: string; readonly name: string },
): Promise<DroppedPartition | undefined> {
  return inTransaction(pool, async (client) => {
    // The duration of the count depends on the number of rows: the bound for the statements of a chunk does not apply.
    await client.query('SET LOCAL statement_timeout = 0');
    const { rowCount } = await client.query('DELETE FROM ride.retention_drops WHERE partition_name = $1', [
      name,
    ]);
    const { rows } = await client.query<{ exists: boolean }>('SELECT to_regclass($1) IS NOT NULL AS exists', [
      `ride."${name}"`,
    ]);
    if (rowCount === 0 || rows[0]?.exists !== true) return undefined;
    const dropped = await measure(client, name);
    await markPartition(client, table, name);
    await client.query(`DROP TABLE ride."${name}"`);
    return dropped;
  });
}

async function measure(client: Pick<pg.ClientBase, 'query'>, name: string): Promise<DroppedPartition> {
  const { rows } = await client.query<{ rows: string; bytes: string }>(
    `SELECT count(*) AS rows, pg_total_relation_size($1::regclass) AS bytes FROM ride."${name}"`,
    [`ride."${name}"`],
  );
  return { partition: name, rows: Number(rows[0]!.rows), bytes: Number(rows[0]!.bytes) };
}

/** Returns why a later run may drop the partition. Rethrows other errors. */
function reasonToWait(error: unknown): string {
  const isExpected =
    error instanceof pg.DatabaseError && (LOCKED.has(error.code ?? '') || IMPOSSIBLE.has(error.code ?? ''));
  if (!isExpected) throw error;
  return error.message;
}

function byDetaching(one: TablePartition, other: TablePartition): number {
  return Number(other.isDetaching) - Number(one.isDetaching) || one.from - other.from;
}
