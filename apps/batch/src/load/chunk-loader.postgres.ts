import type { RecordBatch } from '@hailstream/log';
import type pg from 'pg';
import { CopyWriter } from '../rows/copy-writer.js';
import { encodeChunk, type Reject } from '../rows/encode-chunk.js';
import type { Table } from '../rows/tables.js';
import { makeDays, missingDays } from './day-partitions.postgres.js';
import { LoadError } from './load.errors.js';
import { RowWriter } from './row-writer.postgres.js';

/** Records of one partition of the log, from where the last chunk ended. */
export interface Chunk {
  readonly batch: RecordBatch;
  /** Where this chunk starts, at or before its first record: the log may have gaps. */
  readonly from: bigint;
}

export interface LoadedChunk {
  /** Rows that were not there before. */
  readonly rows: number;
  readonly rejects: number;
}

const NOTHING: LoadedChunk = { rows: 0, rejects: 0 };

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
  /** Those not in use: with their buffers, as large as chunks need. At most one for each connection. */
  private readonly writers: CopyWriter[] = [];
  private readonly unknownCommits = new Map<string, UnknownCommit>();

  constructor(
    private readonly pool: pg.Pool,
    private readonly now: () => number = Date.now,
  ) {}

  /** Loads a chunk. Where it throws, nothing of it was loaded, or the same call finds out what was. */
  async load(table: Table, chunk: Chunk): Promise<LoadedChunk> {
    // First the connection, then the rows: no more chunks are in memory as rows than are being written.
    const client = await this.pool.connect();
    const writer = this.writers.pop() ?? new CopyWriter();
    let failure: Error | undefined;
    try {
      const options = { writer, nowMs: this.now() };
      const encoded = encodeChunk(table, chunk.batch.records, options);
      const missing = await missingDays(client, table.name, encoded.days);
      if (missing.length > 0) await makeDays(client, table.name, missing);
      await client.query('BEGIN');
      const position = await lockPosition(client, chunk);
      const before = await this.settleUnknownCommit(client, chunk);
      const records = chunk.batch.records.filter(({ offset }) => offset >= position);
      const isWhole = records.length === chunk.batch.records.length;
      const { rows, rejects } = isWhole ? encoded : encodeChunk(table, records, options);
      const written = await new RowWriter(client, table).write(rows);
      await insertRejects(client, chunk, [...rejects, ...written.rejects]);
      const loaded = {
        rows: before.rows + written.rows,
        rejects: before.rejects + rejects.length + written.rejects.length,
      };
      await this.commit(client, chunk, loaded);
      return loaded;
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      // A connection that failed may be inside a transaction: the pool closes it.
      client.release(failure);
      // What failed may still be on its way out.
      if (failure === undefined) this.writers.push(writer);
    }
  }

  private async commit(client: pg.ClientBase, { batch }: Chunk, loaded: LoadedChunk): Promise<void> {
    const { rows } = await client.query<{ xid: string }>(
      `UPDATE ride.log_positions SET next_offset = greatest(next_offset, $3) WHERE topic = $1 AND partition = $2
       RETURNING pg_current_xact_id()::text AS xid`,
      [batch.topic, batch.partition, batch.nextOffset.toString()],
    );
    this.unknownCommits.set(keyOf(batch), { transactionId: rows[0]!.xid, loaded });
    await client.query('COMMIT');
    this.unknownCommits.delete(keyOf(batch));
  }

  /**
   * What an earlier COMMIT loaded whose answer never came, where it took effect. Asked under the position's lock: by
   * then that transaction has ended.
   */
  private async settleUnknownCommit(client: pg.ClientBase, { batch }: Chunk): Promise<LoadedChunk> {
    const unknown = this.unknownCommits.get(keyOf(batch));
    if (unknown === undefined) return NOTHING;
    const { rows } = await client.query<{ status: string | null }>('SELECT pg_xact_status($1) AS status', [
      unknown.transactionId,
    ]);
    return rows[0]?.status === 'committed' ? unknown.loaded : NOTHING;
  }
}

function keyOf({ topic, partition }: RecordBatch): string {
  return `${topic}/${partition}`;
}

/** Locks the partition's position until the transaction ends, and returns it. */
async function lockPosition(client: pg.ClientBase, { batch, from }: Chunk): Promise<bigint> {
  const { rows } = await client.query<{ next_offset: string }>(
    'SELECT next_offset FROM ride.log_positions WHERE topic = $1 AND partition = $2 FOR UPDATE',
    [batch.topic, batch.partition],
  );
  const position = rows[0] === undefined ? undefined : BigInt(rows[0].next_offset);
  if (position === undefined || position < from) {
    throw new LoadError(
      'POSITION_MOVED_BACK',
      `${batch.topic}/${batch.partition}: the database is at ${position ?? 'no position'}, before ${from} ` +
        'from where this run reads: was it restored from a backup?',
    );
  }
  return position;
}

/** A log that is read again from its start brings its rejects again, or others in their place. */
async function insertRejects(
  client: pg.ClientBase,
  { batch }: Chunk,
  rejects: readonly Reject[],
): Promise<void> {
  if (rejects.length === 0) return;
  await client.query(
    `INSERT INTO ride.rejects (topic, partition, "offset", reason, key, value, received_at)
     SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::timestamptz[])
     ON CONFLICT (topic, partition, "offset") DO UPDATE
     SET reason = excluded.reason, key = excluded.key, value = excluded.value,
       received_at = excluded.received_at, rejected_at = excluded.rejected_at`,
    [
      batch.topic,
      batch.partition,
      rejects.map(({ record }) => record.offset.toString()),
      rejects.map(({ reason }) => reason),
      rejects.map(({ record }) => record.key),
      rejects.map(({ record }) => record.value),
      rejects.map(({ record }) => new Date(record.timestampMs).toISOString()),
    ],
  );
}
