import type pg from 'pg';
import { inTransaction } from './pool.postgres.js';

/** Advisory lock of the process that builds indexes. The same number in every process. */
const LOCK = 7_245_120;

/** An index of a partitioned table that a partition does not have yet. */
interface MissingIndex {
  readonly parent: string;
  readonly name: string;
  readonly partition: string;
  /** Access method and columns. */
  readonly definition: string;
}

/**
 * Builds the indexes that a migration has declared for a partitioned table with ON ONLY, in the partitions that existed
 * before: one index per transaction. Loads into the partition wait meanwhile, queries do not. A call that was interrupted is
 * continued by the next one. An index with the expected name that was built before, for example with CONCURRENTLY, is used.
 */
export async function buildPartitionIndexes(
  pool: pg.Pool,
  onBuilt: (name: string) => void = () => {},
): Promise<void> {
  // Without missing indexes, no lock is needed.
  while ((await firstMissing(pool)) !== undefined) {
    const built = await inTransaction(pool, async (client) => {
      // The duration depends on the number of rows: the bound for the statements of a chunk does not apply.
      await client.query('SET LOCAL statement_timeout = 0');
      await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      const missing = await firstMissing(client);
      if (missing === undefined) return undefined;
      const { parent, name, partition, definition } = missing;
      await client.query(
        `CREATE INDEX IF NOT EXISTS "${name}" ON ${partition} USING ${definition};
         ALTER INDEX ${parent} ATTACH PARTITION ride."${name}"`,
      );
      return name;
    });
    if (built !== undefined) onBuilt(built);
  }
}

/** An index of a partitioned table is valid once all partitions have it. */
async function firstMissing(client: Pick<pg.ClientBase, 'query'>): Promise<MissingIndex | undefined> {
  const { rows } = await client.query<MissingIndex>(
    `SELECT indexes.indexrelid::regclass::text AS parent,
       partition_class.relname || substr(index_class.relname, length(table_class.relname) + 1) AS name,
       inherits.inhrelid::regclass::text AS partition,
       substring(pg_get_indexdef(indexes.indexrelid) FROM ' USING (.*)$') AS definition
     FROM pg_index AS indexes
     JOIN pg_class AS index_class ON index_class.oid = indexes.indexrelid
     JOIN pg_class AS table_class ON table_class.oid = indexes.indrelid
     JOIN pg_inherits AS inherits ON inherits.inhparent = indexes.indrelid
     JOIN pg_class AS partition_class ON partition_class.oid = inherits.inhrelid
     WHERE index_class.relkind = 'I' AND NOT indexes.indisvalid
       AND index_class.relnamespace = to_regnamespace('ride')
       AND NOT EXISTS (
         SELECT FROM pg_inherits AS attached JOIN pg_index AS partition_index ON partition_index.indexrelid = attached.inhrelid
         WHERE attached.inhparent = indexes.indexrelid AND partition_index.indrelid = inherits.inhrelid)
     ORDER BY partition_class.relname DESC, index_class.relname LIMIT 1`,
  );
  return rows[0];
}
