import { partitionName, type TopicIdentity } from '@hailstream/log';
import type pg from 'pg';
import { withConnection } from '../database/pool.postgres.js';
import { LEASE_END } from '../positions/position-leases.postgres.js';
import { digestOf, isSameLog, LOAD_JOB } from '../positions/position.js';
import type { ErasedIds } from '../erasure/erased-ids.postgres.js';
import type { RecordCopy } from '../rows/record-copies.js';
import type { EncodedChunk, Reject } from '../rows/encode-chunk.js';
import type { Table } from '../rows/tables.js';
import { LoadError } from './load.errors.js';
import { addCounts, NO_COUNTS, requireSum, type Counts } from './counts.js';
import { addDuplicates } from '../storage/duplicates.postgres.js';
import { beginWithPartitions } from '../storage/partitions.postgres.js';
import type { RejectWriter } from '../rejects/reject-writer.js';
import { RowWriter } from '../storage/row-writer.postgres.js';
import { SeenIds } from '../storage/seen-ids.postgres.js';

/** Rows of one partition of the log, from the end of its previous chunk. */
export interface Chunk {
  readonly topic: string;
  readonly partition: number;
  readonly identity: TopicIdentity;
  readonly table: Table;
  /** First offset of the chunk. Its first record may have a higher one. */
  readonly from: bigint;
  /** Offsets from `from` to this one, exclusive, were deleted by the log. */
  readonly deletedTo: bigint;
  /** First offset of the next chunk. */
  readonly nextOffset: bigint;
  readonly encoded: EncodedChunk;
}

/** A move of a position over offsets that were read. */
type PositionMove = Pick<Chunk, 'topic' | 'partition' | 'identity' | 'from' | 'deletedTo' | 'nextOffset'> & {
  readonly last?: RecordCopy | undefined;
};

/** A COMMIT whose response was not received. */
interface UnknownCommit {
  readonly transactionId: string;
  readonly loaded: Counts;
}

/**
 * Loads chunks, each in one transaction with rows, rejects and the new position. The row of the position is locked and
 * compared first: records that another process has loaded in the meantime are skipped.
 */
export class ChunkLoader {
  private readonly unknownCommits = new Map<string, UnknownCommit>();
  private readonly seenIds = new Map<string, SeenIds>();

  constructor(
    private readonly pool: pg.Pool,
    /** Holder of the leases, which each chunk extends. */
    private readonly holder: string,
    private readonly rejects: RejectWriter,
    private readonly erasedIds: ErasedIds,
  ) {}

  /** Loads a chunk. After an error, a repeated call determines whether the chunk was committed. */
  async load(chunk: Chunk): Promise<Counts> {
    await this.writeEncodedRejects(chunk);
    return withConnection(this.pool, async (client) => {
      await beginWithPartitions(client, chunk.table.name, chunk.encoded.days);
      const position = await lockPosition(client, chunk);
      const before = await this.settleUnknownCommit(client, chunk);
      const loaded = addCounts(before, await this.loadFrom(client, chunk, position));
      await this.commit(client, chunk, { position, loaded });
      return loaded;
    });
  }

  /**
   * Writes the rejects that were found without Postgres. No transaction is open and no connection is used meanwhile, because
   * the dead-letter topic may not respond for a long time. Rejects before the position were written by another process.
   */
  private async writeEncodedRejects({ topic, partition, encoded }: Chunk): Promise<void> {
    if (encoded.rejects.length === 0) return;
    const { rows } = await this.pool.query<{ next_offset: string }>(
      'SELECT next_offset FROM ride.log_positions WHERE job = $1 AND topic = $2 AND partition = $3',
      [LOAD_JOB, topic, partition],
    );
    // Without a position, the transaction fails.
    if (rows[0] === undefined) return;
    const position = BigInt(rows[0].next_offset);
    await this.rejects.write({ topic, partition }, rejectsFrom(encoded, position));
  }

  private seenIdsOf(table: Table): SeenIds {
    const known = this.seenIds.get(table.name) ?? new SeenIds(table);
    this.seenIds.set(table.name, known);
    return known;
  }

  /** Writes the records of a chunk at or after the position, and counts the results. */
  private async loadFrom(client: pg.ClientBase, chunk: Chunk, position: bigint): Promise<Counts> {
    const { table, encoded, nextOffset } = chunk;
    if (position >= nextOffset) return NO_COUNTS;
    // The transaction has locked the table: no erasure can be stored until it ends.
    await this.erasedIds.refresh(client);
    const writer = new RowWriter(client, table, this.seenIdsOf(table), this.erasedIds);
    const written = await writer.write(encoded.rows, position);
    const rejects = [...rejectsFrom(encoded, position), ...written.rejects];
    // Those of Postgres; the writer skips rejects that were written before the transaction.
    await this.rejects.write(chunk, rejects);
    // A batch that cannot be decoded counts as one record, because its number of records is unknown.
    const batches = rejects.filter(({ lastOffset }) => lastOffset !== undefined).length;
    const read = encoded.records.countFrom(position) + batches;
    const lost = await insertGap(client, chunk, position);
    const counts: Counts = {
      read,
      rows: written.rows,
      duplicates: written.duplicates,
      rejects: rejects.length,
      expired: encoded.expired.filter((offset) => offset >= position).length,
      erased: written.erased,
      skipped: Number(nextOffset - position) - read - lost,
      lost,
    };
    requireSum(counts, partitionName(chunk.topic, chunk.partition));
    await addDuplicates(client, chunk, written.duplicatesByHour);
    return counts;
  }

  private async commit(
    client: pg.ClientBase,
    chunk: Chunk,
    { position, loaded }: { position: bigint; loaded: Counts },
  ): Promise<void> {
    await movePosition(
      client,
      { ...chunk, last: chunk.encoded.records.last },
      { position, holder: this.holder },
    );
    const { rows } = await client.query<{ xid: string }>('SELECT pg_current_xact_id()::text AS xid');
    this.unknownCommits.set(partitionName(chunk.topic, chunk.partition), {
      transactionId: rows[0]!.xid,
      loaded,
    });
    await client.query('COMMIT');
    this.rejects.committed(chunk);
    this.unknownCommits.delete(partitionName(chunk.topic, chunk.partition));
  }

  /**
   * Returns the counts of an earlier COMMIT without a response if it took effect. The lock on the position ensures that
   * its transaction has ended.
   */
  private async settleUnknownCommit(client: pg.ClientBase, chunk: Chunk): Promise<Counts> {
    const unknown = this.unknownCommits.get(partitionName(chunk.topic, chunk.partition));
    if (unknown === undefined) return NO_COUNTS;
    const { rows } = await client.query<{ status: string | null }>('SELECT pg_xact_status($1) AS status', [
      unknown.transactionId,
    ]);
    return rows[0]?.status === 'committed' ? unknown.loaded : NO_COUNTS;
  }
}

function rejectsFrom({ rejects }: EncodedChunk, position: bigint): Reject[] {
  return rejects.filter(({ record }) => record.offset >= position);
}

/** Locks the position of the partition until the transaction ends, and returns it. */
export async function lockPosition(client: pg.ClientBase, chunk: PositionMove): Promise<bigint> {
  const { rows } = await client.query<{
    next_offset: string;
    cluster_id: string | null;
    topic_id: string | null;
  }>(
    `SELECT next_offset, cluster_id, topic_id FROM ride.log_positions WHERE job = $1 AND topic = $2 AND partition = $3 FOR UPDATE`,
    [LOAD_JOB, chunk.topic, chunk.partition],
  );
  const [row] = rows;
  const position = row === undefined ? undefined : BigInt(row.next_offset);
  if (position === undefined || position < chunk.from) {
    throw new LoadError(
      'POSITION_MOVED_BACK',
      `${partitionName(chunk.topic, chunk.partition)}: the position in the database is ${position ?? 'missing'}, but this load reads ` +
        `from ${chunk.from}: the position was reset, or the database was restored from a backup`,
    );
  }
  const identity = { clusterId: row!.cluster_id ?? '', topicId: row!.topic_id ?? '' };
  if (isSameLog(identity, chunk.identity)) return position;
  throw new LoadError(
    'POSITION_REBOUND',
    `${partitionName(chunk.topic, chunk.partition)}: the position was bound to another log during this load`,
  );
}

export async function movePosition(
  client: pg.ClientBase,
  chunk: PositionMove,
  { position, holder }: { readonly position: bigint; readonly holder: string | null },
): Promise<void> {
  const { topic, partition, nextOffset, last } = chunk;
  if (position >= nextOffset) return;
  await client.query(
    `UPDATE ride.log_positions
     SET next_offset = $3, moved_at = now(), last_next_offset = $3,
       last_offset = coalesce($4, last_offset), last_digest = coalesce($5, last_digest),
       leased_until = CASE WHEN leased_by = $7 THEN ${LEASE_END} ELSE leased_until END
     WHERE topic = $1 AND partition = $2 AND job = $6`,
    [
      topic,
      partition,
      nextOffset.toString(),
      last ? last.offset.toString() : null,
      last ? digestOf(last) : null,
      LOAD_JOB,
      holder,
    ],
  );
}

/** Records the deleted offsets before a chunk that no process had passed, and returns their number. */
export async function insertGap(
  client: pg.ClientBase,
  chunk: PositionMove,
  position: bigint,
): Promise<number> {
  const { topic, partition, identity, deletedTo } = chunk;
  if (position >= deletedTo) return 0;
  await client.query(
    `INSERT INTO ride.log_gaps (job, topic, partition, from_offset, to_offset, cause, cluster_id, topic_id)
     VALUES ($1, $2, $3, $4, $5, 'deleted', $6, $7)`,
    [
      LOAD_JOB,
      topic,
      partition,
      position.toString(),
      deletedTo.toString(),
      identity.clusterId,
      identity.topicId,
    ],
  );
  return Number(deletedTo - position);
}
