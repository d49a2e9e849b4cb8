import { decodeEvent, EventDecodeError } from '@hailstream/events';
import type { LogRecord, TopicPartition } from '@hailstream/log';
import { isUuid } from '@hailstream/service/uuid';
import type pg from 'pg';
import type { LoadLimits } from '../rows/read-event.js';
import type { Table } from '../rows/tables.js';

/** Checks whether records of the log are in the database, as rows or as rejects. */
export class KnownRecords {
  constructor(private readonly pool: pg.Pool) {}

  /** Returns the offsets of the records that are neither a row nor a reject, and not expired. */
  async unknownOf(
    table: Table,
    { topic, partition, isExpired }: TopicPartition & Pick<LoadLimits, 'isExpired'>,
    all: readonly LogRecord[],
  ): Promise<bigint[]> {
    const records = isExpired ? all.filter(({ value }) => !isExpiredEvent(table, value, isExpired)) : all;
    const ids = records.map(({ value }) => idIn(table, value));
    const seen = await this.pool.query<{ id: string }>(
      // Keys expire, and rows may be dropped with their day.
      `SELECT id::text AS id FROM ride.${table.name}_seen WHERE id = ANY($1::uuid[])
       UNION SELECT "${table.idColumn}"::text FROM ride.${table.name} WHERE "${table.idColumn}" = ANY($1::uuid[])`,
      [ids.filter((id) => id !== undefined)],
    );
    const rejects = await this.pool.query<{ offset: string }>(
      'SELECT "offset" FROM ride.dead_letters WHERE topic = $1 AND partition = $2 AND "offset" = ANY($3::bigint[])',
      [topic, partition, records.map(({ offset }) => offset.toString())],
    );
    const seenIds = new Set(seen.rows.map(({ id }) => id));
    const rejected = new Set(rejects.rows.map(({ offset }) => offset));
    return records
      .filter(({ offset }, index) => !seenIds.has(ids[index] ?? '') && !rejected.has(offset.toString()))
      .map(({ offset }) => offset);
  }
}

function isExpiredEvent(
  { family }: Table,
  value: Buffer | null,
  isExpired: (providerId: string, timeMs: number) => boolean,
): boolean {
  try {
    const event = decodeEvent(family, value);
    return isExpired(family.providerId(event), family.eventTime(event));
  } catch (error) {
    if (error instanceof EventDecodeError) return false;
    throw error;
  }
}

/** Returns the id of the event in a record, even if the current schema rejects the event. */
function idIn({ family }: Table, value: Buffer | null): string | undefined {
  try {
    const id: unknown = family.id(JSON.parse(value?.toString('utf8') ?? ''));
    return typeof id === 'string' && isUuid(id) ? id.toLowerCase() : undefined;
  } catch {
    return undefined;
  }
}
