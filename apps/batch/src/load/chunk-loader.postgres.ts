import type pg from 'pg';
import type { EncodedChunk } from '../rows/encode-chunk.js';
import type { Table } from '../rows/tables.js';
import { LoadError } from './load.errors.js';
import { partitionKey } from './log-partition.js';
import { createPartitions, missingDays } from './partitions.postgres.js';
import { insertRejects } from './rejects.postgres.js';
import { RowWriter } from './row-writer.postgres.js';
import { SeenIds } from './seen-ids.postgres.js';

/** Rows of one partition of the log, from where the last chunk of it ended. */
export interface Chunk {
  readonly topic: string;
  readonly partition: number;
  readonly table: Table;
  /** Where this chunk starts, at or before its first record: the log may have gaps. */
  readonly from: bigint;
  /** Where the next one starts. */
  readonly nextOffset: bigint;
  readonly encoded: EncodedChunk;
}

export interface LoadedChunk {
  /** Rows that were not there before. */
  readonly rows: number;
  /** Records whose event was there before. */
  readonly duplicates: number;
  readonly rejects: number;
}

const NOTHING: LoadedChunk = { rows: 0, duplicates: 0, rejects: 0 };

/** A COMMIT that was sent, and whose answer never came. */
interface UnknownCommit {
  readonly transactionId: string;
  readonly loaded: LoadedChunk;
}

/**
 * Loads chunks, each in one transaction: rows, rejects and the position after them, so that all of it is there or none.
 * The position's row is locked and compared first: what another process has loaded meanwhile is left out.
 */
export class ChunkLoader {
  private readonly unknownCommits = new Map<string, UnknownCommit>();
  private readonly seenIds = new Map<string, SeenIds>();

  constructor(private readonly pool: pg.Pool) {}

  /** Loads a chunk. Where it throws, nothing of it was loaded, or the same call finds out what was. */
  async load(chunk: Chunk): Promise<LoadedChunk> {
    const { table, encoded } = chunk;
    const client = await this.pool.connect();
    let failure: Error | undefined;
    try {
      await beginWithPartitions(client, chunk);
      const position = await lockPosition(client, chunk);
      const before = await this.settleUnknownCommit(client, chunk);
      const written = await new RowWriter(client, table, this.seenIdsOf(table)).write(encoded.rows, position);
      const rejects = encoded.rejects.filter(({ record }) => record.offset >= position);
      rejects.push(...written.rejects);
      await insertRejects(client, chunk, rejects);
      const loaded = {
        rows: before.rows + written.rows,
        duplicates: before.duplicates + written.duplicates,
        rejects: before.rejects + rejects.length,
      };
      await this.commit(client, chunk, loaded);
      return loaded;
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      // A connection that failed may be inside a transaction: the pool closes it.
      client.release(failure);
    }
  }

  private seenIdsOf({ name }: Table): SeenIds {
    const known = this.seenIds.get(name) ?? new SeenIds(name);
    this.seenIds.set(name, known);
    return known;
  }

  private async commit(client: pg.ClientBase, chunk: Chunk, loaded: LoadedChunk): Promise<void> {
    const { rows } = await client.query<{ xid: string }>(
      `UPDATE ride.log_positions SET next_offset = greatest(next_offset, $3) WHERE topic = $1 AND partition = $2
       RETURNING pg_current_xact_id()::text AS xid`,
      [chunk.topic, chunk.partition, chunk.nextOffset.toString()],
    );
    this.unknownCommits.set(partitionKey(chunk), { transactionId: rows[0]!.xid, loaded });
    await client.query('COMMIT');
    this.unknownCommits.delete(partitionKey(chunk));
  }

  /**
   * What an earlier COMMIT loaded whose answer never came, where it took effect. Asked under the position's lock: by
   * then that transaction has ended.
   */
  private async settleUnknownCommit(client: pg.ClientBase, chunk: Chunk): Promise<LoadedChunk> {
    const unknown = this.unknownCommits.get(partitionKey(chunk));
    if (unknown === undefined) return NOTHING;
    const { rows } = await client.query<{ status: string | null }>('SELECT pg_xact_status($1) AS status', [
      unknown.transactionId,
    ]);
    return rows[0]?.status === 'committed' ? unknown.loaded : NOTHING;
  }
}

/** Begins a transaction in which the table has a partition for each day of the chunk. */
async function beginWithPartitions(client: pg.ClientBase, { table, encoded }: Chunk): Promise<void> {
  for (;;) {
    await client.query('BEGIN');
    const days = await missingDays(client, table.name, encoded.days);
    if (days.length === 0) return;
    await client.query('ROLLBACK');
    await createPartitions(client, table.name, { days, nowMs: Date.now() });
  }
}

/** Locks the partition's position until the transaction ends, and returns it. */
async function lockPosition(client: pg.ClientBase, chunk: Chunk): Promise<bigint> {
  const { rows } = await client.query<{ next_offset: string }>(
    'SELECT next_offset FROM ride.log_positions WHERE topic = $1 AND partition = $2 FOR UPDATE',
    [chunk.topic, chunk.partition],
  );
  const position = rows[0] === undefined ? undefined : BigInt(rows[0].next_offset);
  if (position === undefined || position < chunk.from) {
    throw new LoadError(
      'POSITION_MOVED_BACK',
      `${partitionKey(chunk)}: the database is at ${position ?? 'no position'}, before ${chunk.from} ` +
        'from where this run reads: was it restored from a backup?',
    );
  }
  return position;
}
