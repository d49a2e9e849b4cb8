import { batchGroup } from '@hailstream/events';
import {
  originalTimestampMs,
  type LogRecord,
  type TopicPartition,
  type UndecodableBatch,
} from '@hailstream/log';
import type pg from 'pg';

/** `resolved`: the record was loaded after it had been rejected. */
type RejectState = 'open' | 'resolved';

/** Finds the records of the log that `ride.dead_letters` has as rejects of batch. */
export class RecordedRejects {
  constructor(private readonly client: Pick<pg.ClientBase, 'query'>) {}

  /** Returns the states of those of some consecutive records that were rejected, by offset. */
  async of(
    { topic, partition }: TopicPartition,
    records: readonly LogRecord[],
  ): Promise<ReadonlyMap<bigint, RejectState>> {
    const states = new Map<bigint, RejectState>();
    if (records.length === 0) return states;
    const { rows } = await this.client.query<{ offset: string; timestamp_ms: string | null; open: boolean }>(
      `SELECT "offset", timestamp_ms, resolved_at IS NULL AS open FROM ride.dead_letters
       WHERE topic = $1 AND partition = $2 AND "offset" BETWEEN $3 AND $4
         AND consumer_group = $5 AND last_offset IS NULL`,
      [topic, partition, records[0]!.offset.toString(), records.at(-1)!.offset.toString(), batchGroup],
    );
    if (rows.length === 0) return states;
    const byOffset = new Map(records.map((record) => [record.offset, record]));
    for (const { offset, timestamp_ms: timestampMs, open } of rows) {
      const record = byOffset.get(BigInt(offset));
      // Another timestamp is that of a record of an earlier topic with this name.
      if (record === undefined || !isOf(record, timestampMs)) continue;
      if (open || !states.has(record.offset)) states.set(record.offset, open ? 'open' : 'resolved');
    }
    return states;
  }

  /** Whether a batch that cannot be decoded was rejected. */
  async hasBatch({ topic, partition, baseOffset, lastOffset, sha256 }: UndecodableBatch): Promise<boolean> {
    const { rows } = await this.client.query<{ found: boolean }>(
      `SELECT EXISTS (SELECT FROM ride.dead_letters
         WHERE topic = $1 AND partition = $2 AND "offset" BETWEEN $3 AND $4 AND last_offset = $4
           AND consumer_group = $5 AND position($6 IN reason) > 0) AS found`,
      [topic, partition, baseOffset.toString(), lastOffset.toString(), batchGroup, sha256],
    );
    return rows[0]!.found;
  }
}

function isOf(record: LogRecord, timestampMs: string | null): boolean {
  if (timestampMs === null) return true;
  return [record.timestampMs, originalTimestampMs(record)].includes(Number(timestampMs));
}
