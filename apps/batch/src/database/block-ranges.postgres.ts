import type pg from 'pg';

/** Blocks of 8 KiB that one transaction reads: 32 MiB, a few hundred thousand rows. */
const BLOCKS_PER_RANGE = 4_096;

/**
 * Returns conditions that each select the rows in some blocks of a table, and together those in all blocks that it has now. A
 * statement for each of them reads the table once, in short transactions.
 */
export async function blockRanges(client: Pick<pg.ClientBase, 'query'>, table: string): Promise<string[]> {
  const { rows } = await client.query<{ blocks: number }>(
    `SELECT (pg_relation_size($1::regclass) / current_setting('block_size')::integer)::float8 AS blocks`,
    [table],
  );
  const ranges: string[] = [];
  for (let from = 0; from < rows[0]!.blocks; from += BLOCKS_PER_RANGE) {
    ranges.push(`ctid >= '(${from},0)'::tid AND ctid < '(${from + BLOCKS_PER_RANGE},0)'::tid`);
  }
  return ranges;
}
