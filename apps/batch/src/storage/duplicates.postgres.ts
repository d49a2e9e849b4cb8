import type { TopicPartition } from '@hailstream/log';
import type pg from 'pg';
import type { HourDuplicates } from '../rows/duplicate-tally.js';

/**
 * Adds the repeated records of a chunk to `ride.duplicates`, in the transaction that moves its position. A row belongs to one
 * partition, whose position the transaction has locked: loads of other partitions do not wait for it.
 */
export async function addDuplicates(
  client: pg.ClientBase,
  { topic, partition }: TopicPartition,
  duplicates: readonly HourDuplicates[],
): Promise<void> {
  if (duplicates.length === 0) return;
  await client.query(
    `INSERT INTO ride.duplicates AS stored (hour, provider_id, topic, partition, records)
     SELECT 'epoch'::timestamptz + hour_ms * interval '1 millisecond', provider_id, $1, $2, records
     FROM unnest($3::bigint[], $4::uuid[], $5::bigint[]) WITH ORDINALITY AS added (hour_ms, provider_id, records, place)
     ORDER BY place
     ON CONFLICT (hour, provider_id, topic, partition) DO UPDATE SET records = stored.records + excluded.records`,
    [
      topic,
      partition,
      duplicates.map(({ hourMs }) => hourMs),
      duplicates.map(({ providerId }) => providerId),
      duplicates.map(({ records }) => records),
    ],
  );
}
