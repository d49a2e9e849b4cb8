import { partitionName, type TopicIdentity } from '@hailstream/log';
import type pg from 'pg';
import type { Positions } from './log-partition.js';
import { LOAD_JOB, type Gap, type LastingRefusal, type StoredPosition } from './position.js';

/** A position for a partition that has none. */
interface FirstPosition {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: bigint;
  readonly identity: TopicIdentity;
}

interface Row {
  readonly topic: string;
  readonly partition: number;
  readonly next_offset: string;
  readonly cluster_id: string | null;
  readonly topic_id: string | null;
  readonly moved_at: Date | null;
  readonly last_offset: string | null;
  readonly last_digest: Buffer | null;
  readonly last_next_offset: string | null;
  readonly refused: LastingRefusal | null;
}

/** The stored positions of one job. */
export class LogPositions {
  constructor(
    private readonly pool: Pick<pg.ClientBase, 'query'>,
    private readonly job = LOAD_JOB,
  ) {}

  /** Returns the next offsets of all partitions of some topics. */
  async read(topics: readonly string[]): Promise<Positions> {
    const { rows } = await this.pool.query<{ topic: string; partition: number; next_offset: string }>(
      'SELECT topic, partition, next_offset FROM ride.log_positions WHERE topic = ANY($1) AND job = $2',
      [topics, this.job],
    );
    return new Map(rows.map((row) => [partitionName(row.topic, row.partition), BigInt(row.next_offset)]));
  }

  /** Returns the positions of some topics, ordered by topic and partition. */
  async readStored(topics: readonly string[]): Promise<StoredPosition[]> {
    const { rows } = await this.pool.query<Row>(
      'SELECT * FROM ride.log_positions WHERE topic = ANY($1) AND job = $2 ORDER BY topic, partition',
      [topics, this.job],
    );
    return rows.map(toStored);
  }

  /** Inserts first positions, except for partitions that have one. */
  async begin(positions: readonly FirstPosition[]): Promise<void> {
    if (positions.length === 0) return;
    // Every process inserts in the same order, so that two of them cannot deadlock.
    await this.pool.query(
      `INSERT INTO ride.log_positions (job, topic, partition, next_offset, cluster_id, topic_id)
       SELECT $6::text, first.* FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::text[])
         AS first (topic, partition, next_offset, cluster_id, topic_id)
       ORDER BY topic, partition ON CONFLICT DO NOTHING`,
      [
        positions.map(({ topic }) => topic),
        positions.map(({ partition }) => partition),
        positions.map(({ nextOffset }) => nextOffset.toString()),
        positions.map(({ identity }) => identity.clusterId),
        positions.map(({ identity }) => identity.topicId),
        this.job,
      ],
    );
  }

  /** Binds a position to a log, unless it has been bound or moved since it was read. */
  async bind({ topic, partition, nextOffset, identity }: StoredPosition, to: TopicIdentity): Promise<void> {
    await this.pool.query(
      `UPDATE ride.log_positions SET cluster_id = $4, topic_id = $5
       WHERE topic = $1 AND partition = $2 AND next_offset = $3
         AND cluster_id IS NOT DISTINCT FROM $6 AND topic_id IS NOT DISTINCT FROM $7 AND job = $8`,
      [
        topic,
        partition,
        nextOffset.toString(),
        to.clusterId,
        to.topicId,
        identity?.clusterId ?? null,
        identity?.topicId ?? null,
        this.job,
      ],
    );
  }

  /** Stores why a position is refused, unless it has moved. */
  async refuse(
    { topic, partition, nextOffset }: Pick<StoredPosition, 'topic' | 'partition' | 'nextOffset'>,
    refused: LastingRefusal,
  ): Promise<void> {
    await this.pool.query(
      `UPDATE ride.log_positions SET refused = $4, refused_at = now()
       WHERE topic = $1 AND partition = $2 AND next_offset = $3 AND refused IS NULL AND job = $5`,
      [topic, partition, nextOffset.toString(), refused, this.job],
    );
  }

  /**
   * Moves a position over a gap and records the gap, in one transaction. Returns the gap, or `undefined` if another
   * process has moved the position.
   */
  async passGap(gap: Gap, identity: TopicIdentity): Promise<Gap | undefined> {
    const { topic, partition, from, to, cause } = gap;
    const { rows } = await this.pool.query(
      `WITH moved AS (
         UPDATE ride.log_positions
         SET next_offset = $4, moved_at = now(), cluster_id = $6, topic_id = $7, last_next_offset = $4
         WHERE topic = $1 AND partition = $2 AND next_offset = $3 AND job = $8 RETURNING 1)
       INSERT INTO ride.log_gaps (topic, partition, from_offset, to_offset, cause, cluster_id, topic_id, job)
       SELECT $1, $2, $3, $4, $5, $6, $7, $8 FROM moved RETURNING id`,
      [
        topic,
        partition,
        from.toString(),
        to.toString(),
        cause,
        identity.clusterId,
        identity.topicId,
        this.job,
      ],
    );
    return rows.length === 1 ? gap : undefined;
  }
}

function toStored(row: Row): StoredPosition {
  const { cluster_id: clusterId, topic_id: topicId, last_offset: lastOffset, last_digest: digest } = row;
  // The position may have been moved without updating the last record.
  const isCurrent = row.last_next_offset === row.next_offset;
  return {
    topic: row.topic,
    partition: row.partition,
    nextOffset: BigInt(row.next_offset),
    identity: clusterId === null || topicId === null ? undefined : { clusterId, topicId },
    lastRecord:
      lastOffset !== null && digest !== null && isCurrent
        ? { offset: BigInt(lastOffset), digest }
        : undefined,
    refused: row.refused ?? undefined,
    movedAt: row.moved_at ?? undefined,
  };
}
