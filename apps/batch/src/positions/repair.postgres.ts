import type { TopicIdentity } from '@hailstream/log';
import type pg from 'pg';
import { inTransaction } from '../database/pool.postgres.js';
import { isSameLog, LOAD_JOB } from './position.js';

/** A new position in the current log. */
export interface NewPosition {
  readonly topic: string;
  readonly partition: number;
  readonly to: bigint;
  readonly identity: TopicIdentity;
  /** First offset of the log. */
  readonly earliest: bigint;
}

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** Changes positions on behalf of an operator. Running loads detect it: they compare the position under the same lock. */
export class PositionRepair {
  constructor(private readonly pool: pg.Pool) {}

  /** Sets positions, binds them to the log and records the gaps that they pass. Removes the positions in `removed`. */
  async reset(positions: readonly NewPosition[], removed: readonly Place[]): Promise<void> {
    await this.exclusively(async (client) => {
      for (const position of positions) await resetOne(client, position);
      for (const { topic, partition } of removed) {
        await client.query(
          'DELETE FROM ride.log_positions WHERE topic = $1 AND partition = $2 AND job = $3',
          [topic, partition, LOAD_JOB],
        );
      }
    });
  }

  /** Binds positions to the log without moving them. With `forgetRecords`, the next load does not compare the last record. */
  async adopt(
    positions: readonly (Place & { readonly identity: TopicIdentity })[],
    { forgetRecords }: { readonly forgetRecords: boolean },
  ): Promise<void> {
    await this.exclusively(async (client) => {
      for (const { topic, partition, identity } of positions) {
        await client.query(
          `UPDATE ride.log_positions
           SET cluster_id = $3, topic_id = $4, refused = NULL, refused_at = NULL,
             last_next_offset = CASE WHEN $5 THEN NULL ELSE last_next_offset END
           WHERE topic = $1 AND partition = $2 AND job = $6`,
          [topic, partition, identity.clusterId, identity.topicId, forgetRecords, LOAD_JOB],
        );
      }
    });
  }

  /** Runs one change at a time. Loads lock one position at a time, and wait only for the positions that are changed. */
  private exclusively(work: (client: pg.ClientBase) => Promise<void>): Promise<void> {
    return inTransaction(this.pool, async (client) => {
      await client.query('LOCK TABLE ride.log_gaps IN SHARE ROW EXCLUSIVE MODE');
      await work(client);
    });
  }
}

async function resetOne(
  client: pg.ClientBase,
  { topic, partition, to, identity, earliest }: NewPosition,
): Promise<void> {
  const { rows } = await client.query<{
    next_offset: string;
    cluster_id: string | null;
    topic_id: string | null;
  }>(
    'SELECT next_offset, cluster_id, topic_id FROM ride.log_positions WHERE topic = $1 AND partition = $2 AND job = $3 FOR UPDATE',
    [topic, partition, LOAD_JOB],
  );
  const [row] = rows;
  const isBound =
    row !== undefined &&
    isSameLog({ clusterId: row.cluster_id ?? '', topicId: row.topic_id ?? '' }, identity);
  const reached = isBound ? BigInt(row.next_offset) : earliest;
  const passedFrom = reached > earliest ? reached : earliest;
  const place = [topic, partition];
  const ids = [identity.clusterId, identity.topicId];
  if (to > passedFrom) {
    await client.query(
      `INSERT INTO ride.log_gaps (topic, partition, from_offset, to_offset, cause, cluster_id, topic_id, job)
       VALUES ($1, $2, $3, $4, 'reset', $5, $6, $7)`,
      [...place, passedFrom.toString(), to.toString(), ...ids, LOAD_JOB],
    );
  }
  await client.query(
    `INSERT INTO ride.log_positions (topic, partition, next_offset, cluster_id, topic_id, job, moved_at)
     VALUES ($1, $2, $3, $4, $5, $6, now())
     ON CONFLICT (job, topic, partition) DO UPDATE
     SET next_offset = excluded.next_offset, cluster_id = excluded.cluster_id, topic_id = excluded.topic_id,
       moved_at = excluded.moved_at, last_next_offset = NULL, refused = NULL, refused_at = NULL`,
    [...place, to.toString(), ...ids, LOAD_JOB],
  );
}
