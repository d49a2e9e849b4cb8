import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { LOAD_JOB } from './position.js';

/** End of a lease that is acquired or extended now. A process that is killed holds its partitions this long. */
export const LEASE_END = `clock_timestamp() + interval '10 seconds'`;

/** A partition and the offset at which a load of it is complete. */
interface LeaseRequest {
  readonly topic: string;
  readonly partition: number;
  readonly target: bigint;
}

export interface LeasedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: bigint;
}

/**
 * Shares the partitions of a load among processes: each loads those that it has leased. A lease only avoids double work.
 * If it expires while its holder is still loading, both processes write, and the lock on the position ensures that every
 * record is loaded once. Leases are columns of `ride.log_positions` and not advisory locks, so that they work with poolers.
 */
export class PositionLeases {
  /** Identifies this process and load. */
  readonly holder = randomUUID();

  constructor(
    private readonly pool: pg.Pool,
    private readonly job = LOAD_JOB,
  ) {}

  /** Leases up to `limit` of the partitions that are not complete and not leased by another process, largest first. */
  async acquire(requested: readonly LeaseRequest[], limit: number): Promise<LeasedPartition[]> {
    if (requested.length === 0 || limit <= 0) return [];
    const { rows } = await this.pool.query<{ topic: string; partition: number; next_offset: string }>(
      // A CTE, because a subquery with FOR UPDATE may be executed again for each row, and its LIMIT would not hold.
      `WITH leased AS MATERIALIZED (
         SELECT free.topic, free.partition
         FROM ride.log_positions AS free
         JOIN unnest($2::text[], $3::integer[], $4::bigint[]) AS requested (topic, partition, target)
           ON requested.topic = free.topic AND requested.partition = free.partition
         WHERE free.job = $5 AND free.next_offset < requested.target
           AND (free.leased_until IS NULL OR free.leased_until < clock_timestamp() OR free.leased_by = $1)
         ORDER BY requested.target - free.next_offset DESC LIMIT $6
         FOR UPDATE OF free SKIP LOCKED)
       UPDATE ride.log_positions AS positions SET leased_by = $1, leased_until = ${LEASE_END}
       FROM leased
       WHERE positions.job = $5 AND positions.topic = leased.topic AND positions.partition = leased.partition
       RETURNING positions.topic, positions.partition, positions.next_offset`,
      [
        this.holder,
        requested.map(({ topic }) => topic),
        requested.map(({ partition }) => partition),
        requested.map(({ target }) => target.toString()),
        this.job,
        limit,
      ],
    );
    return rows.map(({ topic, partition, next_offset }) => ({
      topic,
      partition,
      nextOffset: BigInt(next_offset),
    }));
  }

  /** Releases all leases of this load. */
  async release(): Promise<void> {
    await this.pool.query(
      'UPDATE ride.log_positions SET leased_by = NULL, leased_until = NULL WHERE job = $1 AND leased_by = $2',
      [this.job, this.holder],
    );
  }
}
