import { blockRanges } from '../../database/block-ranges.postgres.js';
import { inTransaction, type Pool } from '../../database/pool.postgres.js';
import type { Day } from '../../rows/day.js';
import { markingComparisons } from '../../trips/comparison/mark-comparisons.postgres.js';
import { readPartitions, type TablePartition } from '../../storage/partitions.postgres.js';
import type { ExpiringTable } from '../retention.js';
import { startOfCutoff, type StoredCutoff } from './cutoffs.postgres.js';

/**
 * Days before `deletedTo` that are read again: a load that began before the day of its cutoff ended may have committed
 * rows after they were deleted.
 */
const DAYS_READ_AGAIN = 1;

/** Rows of one table that were deleted, or that a dry run would delete. */
export interface DeletedRows {
  /** The partition, or the table if it has none. */
  readonly table: string;
  readonly rows: number;
}

interface DeleteOptions {
  readonly table: ExpiringTable;
  readonly cutoffs: readonly StoredCutoff[];
  /** Partitions that end before this day are left out: they are dropped. */
  readonly firstKeptDay: Day;
  /** Reads all rows before the cutoffs, and not only those that have expired since the last run. */
  readonly isComplete: boolean;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  readonly onDeleted: (deleted: DeletedRows) => void;
}

/**
 * Deletes the expired rows that cannot be dropped with their partition: those of providers with an own rule, and of
 * partitions that have later days. Each transaction deletes those of a range of blocks. Returns whether all were deleted.
 */
export async function deleteRows(pool: Pool, options: DeleteOptions): Promise<boolean> {
  const { table, cutoffs, firstKeptDay, isComplete, isDryRun, signal, onDeleted } = options;
  const condition = conditionOf(table, cutoffs);
  if (condition === undefined) return true;
  const hasWork = (each: Pick<TablePartition, 'from' | 'to'>): boolean =>
    cutoffs.some(({ day, deletedTo }) => {
      if (isComplete || isDryRun) return each.from < day;
      return deletedTo < day && each.from < day && each.to > deletedTo - DAYS_READ_AGAIN;
    });
  const all = table.isPartitioned
    ? (await readPartitions(pool, table.name)).filter(
        ({ isDetaching, to }) => !isDetaching && to > firstKeptDay,
      )
    : [{ name: table.name, from: -Infinity, to: Infinity }];
  for (const each of all.filter(hasWork)) {
    if (signal.aborted) return false;
    const rows = isDryRun
      ? await countRows(pool, each.name, condition)
      : await deleteFrom(pool, each.name, { table: table.name, condition, signal });
    if (rows > 0) onDeleted({ table: each.name, rows });
  }
  return !signal.aborted;
}

interface Condition {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** Returns the condition of expired rows; `undefined` if no row expires. */
function conditionOf({ timeColumn }: ExpiringTable, cutoffs: readonly StoredCutoff[]): Condition | undefined {
  const values: unknown[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  const providers = cutoffs.flatMap(({ providerId }) => providerId ?? []);
  const parts: string[] = [];
  for (const { providerId, day } of cutoffs) {
    if (day === -Infinity) continue;
    const isExpired = `"${timeColumn}" < ${parameter(startOfCutoff(day))}::timestamptz`;
    if (providerId !== null) parts.push(`provider_id = ${parameter(providerId)}::uuid AND ${isExpired}`);
    else if (providers.length === 0) parts.push(isExpired);
    else parts.push(`provider_id <> ALL (${parameter(providers)}::uuid[]) AND ${isExpired}`);
  }
  if (parts.length === 0) return undefined;
  return { sql: parts.map((part) => `(${part})`).join(' OR '), values };
}

async function countRows(pool: Pool, name: string, { sql, values }: Condition): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    `SELECT count(*) AS count FROM ride."${name}" WHERE ${sql}`,
    [...values],
  );
  return Number(rows[0]!.count);
}

async function deleteFrom(
  pool: Pool,
  name: string,
  {
    table,
    condition,
    signal,
  }: { readonly table: string; readonly condition: Condition; readonly signal: AbortSignal },
): Promise<number> {
  let deleted = 0;
  for (const range of await blockRanges(pool, `ride."${name}"`)) {
    if (signal.aborted) break;
    deleted += await inTransaction(pool, async (client) => {
      const statement = `DELETE FROM ride."${name}" WHERE (${condition.sql}) AND ${range}`;
      const { rowCount } = await client.query(markingComparisons(table, statement), [...condition.values]);
      return rowCount ?? 0;
    });
  }
  return deleted;
}
