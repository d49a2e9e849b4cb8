import type { ErasureKind } from '@hailstream/events';
import { blockRanges } from '../database/block-ranges.postgres.js';
import { inTransaction, type Pool } from '../database/pool.postgres.js';
import { lockComparisons } from '../trips/comparison/compare-trips.postgres.js';
import { markingComparisons } from '../trips/comparison/mark-comparisons.postgres.js';
import { anonymised, hasId, withoutPlaces, type PersonalTable } from './personal-columns.postgres.js';

/** An id to erase. */
export interface Erasure {
  readonly kind: ErasureKind;
  /** In lower case. */
  readonly id: string;
}

/** Rows that were erased. */
interface ErasedRows {
  readonly removed: number;
  readonly pseudonymised: number;
}

/** Runs a statement for each range of blocks of a table, in a transaction each. Returns the number of rows. */
type ForRanges = (table: string, statement: (leaf: string) => string) => Promise<number>;

/**
 * Deletes the rows of an id from a table, or makes its trips anonymous. Each transaction changes the rows in a range of
 * blocks. An interrupted call is repeated.
 */
export async function eraseFrom(
  pool: Pool,
  table: PersonalTable,
  { id, signal }: { readonly id: string; readonly signal: AbortSignal },
): Promise<ErasedRows> {
  const forRanges: ForRanges = async (name, statement) => {
    let count = 0;
    for (const leaf of await leavesOf(pool, name)) {
      for (const range of await blockRanges(pool, leaf)) {
        signal.throwIfAborted();
        count += await inTransaction(pool, async (client) => {
          // Both delete rows of trips that they were compared with, in different orders.
          if (name === 'compared_trips') await lockComparisons(client);
          const { rowCount } = await client.query(
            markingComparisons(name, `${statement(leaf)} AND ${range}`),
            [id],
          );
          return rowCount ?? 0;
        });
      }
    }
    return count;
  };
  const condition = `(${hasId(table)})`;
  if (table.isTrip) {
    const set = anonymised(table);
    return {
      removed: 0,
      pseudonymised: await forRanges(table.name, (leaf) => `UPDATE ${leaf} SET ${set} WHERE ${condition}`),
    };
  }
  return {
    removed: await forRanges(table.name, (leaf) => `DELETE FROM ${leaf} WHERE ${condition}`),
    pseudonymised: 0,
  };
}

/**
 * Makes the places of a rider's trips coarse, which have no id of the rider. The rider's events are deleted later: they connect
 * them.
 */
export async function coarsenTrips(pool: Pool, trips: PersonalTable, riderId: string): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE ride.${trips.name} SET ${withoutPlaces(trips.types).join(', ')}
       WHERE (trip_id, provider_id) IN (SELECT trip_id, provider_id FROM ride.rider_events WHERE rider_id = $1)`,
      [riderId],
    );
    return rowCount ?? 0;
  });
}

export async function countRows(pool: Pool, table: PersonalTable, id: string): Promise<number> {
  return inTransaction(pool, async (client) => {
    // The duration depends on the number of rows: the bound for the statements of a chunk does not apply.
    await client.query('SET LOCAL statement_timeout = 0');
    const { rows } = await client.query<{ count: string }>(
      `SELECT count(*) AS count FROM ride.${table.name} WHERE ${hasId(table)}`,
      [id],
    );
    return Number(rows[0]!.count);
  });
}

/** Dead letters with the id anywhere in the record or the reason, in lower or upper case. */
const IN_DEAD_LETTER = `(position($1::bytea IN value) > 0 OR position($2::bytea IN value) > 0
  OR position($1::bytea IN key) > 0 OR position($2::bytea IN key) > 0 OR reason ILIKE '%' || $3 || '%')`;

function deadLetterParameters(id: string): unknown[] {
  return [Buffer.from(id), Buffer.from(id.toUpperCase()), id];
}

export async function countDeadLetters(pool: Pool, id: string): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    `SELECT count(*) AS count FROM ride.dead_letters WHERE ${IN_DEAD_LETTER}`,
    deadLetterParameters(id),
  );
  return Number(rows[0]!.count);
}

/** Removes the content of dead letters with the id. The rows remain, so that offsets remain explained. */
export async function eraseDeadLetters(pool: Pool, id: string): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE ride.dead_letters SET key = NULL, value = NULL, reason = 'erased', resolved_at = coalesce(resolved_at, now())
       WHERE ${IN_DEAD_LETTER}`,
      deadLetterParameters(id),
    );
    return rowCount ?? 0;
  });
}

/** The partitions of a table, or the table itself. */
async function leavesOf(pool: Pool, table: string): Promise<string[]> {
  const { rows } = await pool.query<{ leaf: string }>(
    // A table without partitions is not in the tree.
    `SELECT coalesce(tree.relid, $1::regclass)::text AS leaf
     FROM (SELECT) AS one LEFT JOIN pg_partition_tree($1::regclass) AS tree ON true
     WHERE coalesce(tree.isleaf, true)
       AND EXISTS (SELECT FROM pg_class WHERE oid = coalesce(tree.relid, $1::regclass) AND relkind = 'r')
     ORDER BY 1`,
    [`ride.${table}`],
  );
  return rows.map(({ leaf }) => leaf);
}
