import { batchGroup } from '@hailstream/events';
import type pg from 'pg';
import { attempt, isDataError } from '../database/savepoint.postgres.js';
import { isStorableTime } from '../rows/day.js';
import { storableReason } from '../rows/encode-chunk.js';
import type { DeadLetterRow } from './dead-letter-row.js';

/** Bytes of keys and values in one INSERT. A larger record has its own. */
const INSERT_BYTES = 4 * 1024 * 1024;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

const COLUMNS = `id, topic, partition, "offset", last_offset, consumer_group, attempts, reason, key, value, received_at,
  timestamp_ms, rejected_at`;
const INSERT = `
  INSERT INTO ride.dead_letters (${COLUMNS}) SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[],
    $5::bigint[], $6::text[], $7::integer[], $8::text[], $9::bytea[], $10::bytea[], $11::timestamptz[], $12::bigint[],
    $13::timestamptz[])`;
const INSERT_ONE = `
  INSERT INTO ride.dead_letters (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`;
/**
 * A repeated dead letter replaces an earlier one. It reopens a resolved one only if it was written after its resolution, and
 * only of batch: a redriven record of another group is another dead letter if it fails again.
 */
const REPLACE = `
  ON CONFLICT (id) DO UPDATE
  SET attempts = excluded.attempts, reason = excluded.reason, key = excluded.key, value = excluded.value,
    rejected_at = excluded.rejected_at, resolved_at = NULL
  WHERE dead_letters.resolved_at IS NULL
    OR (excluded.rejected_at > dead_letters.resolved_at AND dead_letters.consumer_group = '${batchGroup}')`;

/**
 * Stores dead letters in the current transaction. No content of a record makes this fail: a key or value that Postgres
 * rejects is omitted and noted in the reason.
 */
export async function insertDeadLetters(
  client: pg.ClientBase,
  rows: readonly DeadLetterRow[],
): Promise<void> {
  // One statement cannot update a row twice.
  const latest = [...new Map(rows.map((row) => [row.id, row])).values()];
  for (const slice of slices(latest)) {
    const refusal = await attempt(client, isDataError, () => insertSlice(client, slice));
    if (refusal === undefined) continue;
    for (const row of slice) await insertAlone(client, row);
  }
}

/** Marks dead letters as resolved. They are not deleted, because the dead-letter queue may contain the same record again. */
export async function resolveDeadLetters(client: pg.ClientBase, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    `UPDATE ride.dead_letters SET resolved_at = now(), key = NULL, value = NULL
     WHERE id = ANY($1) AND resolved_at IS NULL`,
    [ids],
  );
}

async function insertAlone(client: pg.ClientBase, row: DeadLetterRow): Promise<void> {
  const refusal = await attempt(client, isDataError, () => insertSlice(client, [row]));
  if (refusal === undefined) return;
  const reason = storableReason(`${row.reason}; key and value are not kept: ${refusal.message}`);
  await insertSlice(client, [{ ...row, key: null, value: null, reason }]);
}

async function insertSlice(client: pg.ClientBase, slice: readonly DeadLetterRow[]): Promise<void> {
  const rows = slice.map((row) => [
    row.id,
    row.topic,
    row.partition,
    row.offset.toString(),
    row.lastOffset?.toString() ?? null,
    row.consumerGroup,
    row.attempts,
    row.reason,
    row.key,
    row.value,
    toTime(row.timestampMs),
    toInt64(row.timestampMs),
    toTime(row.rejectedAtMs) ?? new Date().toISOString(),
  ]);
  const [first] = rows;
  if (first === undefined) return;
  // A single record may be large: as a separate parameter it is sent as bytes and not as hexadecimal text.
  if (rows.length === 1) await client.query(INSERT_ONE + REPLACE, first);
  else
    await client.query(
      INSERT + REPLACE,
      first.map((_, column) => rows.map((values) => values[column])),
    );
}

function* slices(rows: readonly DeadLetterRow[]): Generator<DeadLetterRow[]> {
  let slice: DeadLetterRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = (row.key?.length ?? 0) + (row.value?.length ?? 0);
    if (slice.length > 0 && bytes + size > INSERT_BYTES) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(row);
    bytes += size;
  }
  if (slice.length > 0) yield slice;
}

function toTime(timestampMs: number): string | null {
  return isStorableTime(timestampMs) ? new Date(timestampMs).toISOString() : null;
}

/** The timestamp of the log, to the precision of a double. */
function toInt64(timestampMs: number): string | null {
  if (!Number.isFinite(timestampMs)) return null;
  const number = BigInt(Math.trunc(timestampMs));
  return String(number > MAX_INT64 ? MAX_INT64 : number < MIN_INT64 ? MIN_INT64 : number);
}
