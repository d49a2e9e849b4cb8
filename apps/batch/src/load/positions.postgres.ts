import type pg from 'pg';
import { partitionKey, type Positions } from './log-partition.js';

export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: bigint;
}

/** How far the log was loaded, as the database has it. */
export class LogPositions {
  constructor(private readonly pool: pg.Pool) {}

  /** All of these topics. */
  async read(topics: readonly string[]): Promise<Positions> {
    const { rows } = await this.pool.query<{ topic: string; partition: number; next_offset: string }>(
      'SELECT topic, partition, next_offset FROM ride.log_positions WHERE topic = ANY($1)',
      [topics],
    );
    return new Map(rows.map((row) => [partitionKey(row), BigInt(row.next_offset)]));
  }

  /** Gives partitions that have no position their first one, but for those that got one from another process. */
  async begin(positions: readonly Position[]): Promise<void> {
    if (positions.length === 0) return;
    // In the same order everywhere, so that two processes wait for each other and never both.
    await this.pool.query(
      `INSERT INTO ride.log_positions (topic, partition, next_offset)
       SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS first (topic, partition, next_offset)
       ORDER BY topic, partition ON CONFLICT DO NOTHING`,
      [
        positions.map(({ topic }) => topic),
        positions.map(({ partition }) => partition),
        positions.map(({ nextOffset }) => nextOffset.toString()),
      ],
    );
  }

  /** Moves a position, unless it was moved from `expected` meanwhile. */
  async move({ topic, partition, nextOffset }: Position, expected: bigint): Promise<void> {
    await this.pool.query(
      `UPDATE ride.log_positions SET next_offset = $3 WHERE topic = $1 AND partition = $2 AND next_offset = $4`,
      [topic, partition, nextOffset.toString(), expected.toString()],
    );
  }
}
