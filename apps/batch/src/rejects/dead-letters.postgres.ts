import type { TopicIdentity } from '@hailstream/log';
import type pg from 'pg';
import { GROUP_ID } from '../consumer-group.js';
import { storableReason, type Reject } from '../rows/encode-chunk.js';
import { attempt, isDataError } from '../database/savepoint.postgres.js';

/** Bytes of keys and values in one INSERT; a record that is larger than that has one of its own. */
const INSERT_BYTES = 4 * 1024 * 1024;
/** Times that every Postgres and every client of it can show: the years 1 to 9999. */
const MIN_TIME_MS = -62_135_596_800_000;
const MAX_TIME_MS = 253_402_300_799_999;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

const COLUMNS = `topic, topic_id, partition, consumer_group, attempts, rejected_at,
  "offset", reason, key, value, received_at, timestamp_ms, last_offset`;
const INSERT = `
  INSERT INTO ride.dead_letters (${COLUMNS})
  SELECT $1, $2, $3, $4, 1, now(), * FROM unnest(
    $5::bigint[], $6::text[], $7::bytea[], $8::bytea[], $9::timestamptz[], $10::bigint[], $11::bigint[])`;
const INSERT_ONE = `
  INSERT INTO ride.dead_letters (${COLUMNS})
  VALUES ($1, $2, $3, $4, 1, now(), $5, $6, $7, $8, $9, $10, $11)`;
/** A log that is read again from its start brings its rejects again, or others in their place. */
const REPLACE = `
  ON CONFLICT (topic, partition, "offset", topic_id, consumer_group) DO UPDATE
  SET reason = excluded.reason, key = excluded.key, value = excluded.value, received_at = excluded.received_at,
    timestamp_ms = excluded.timestamp_ms, last_offset = excluded.last_offset, rejected_at = excluded.rejected_at,
    resolved_at = NULL`;

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly identity: TopicIdentity;
}

/**
 * Stores rejects inside the transaction of their chunk. Nothing in a record can make this fail: a key or value that
 * Postgres refuses is left out, and the reason says so.
 */
export async function insertRejects(
  client: pg.ClientBase,
  place: Place,
  rejects: readonly Reject[],
): Promise<void> {
  for (const slice of slices(rejects)) {
    const refusal = await attempt(client, isDataError, () => insertSlice(client, place, slice));
    if (refusal === undefined) continue;
    for (const reject of slice) await insertAlone(client, place, reject);
  }
}

/** Inserts one reject, without its key and value if Postgres refuses these. */
async function insertAlone(client: pg.ClientBase, place: Place, reject: Reject): Promise<void> {
  const refusal = await attempt(client, isDataError, () => insertSlice(client, place, [reject]));
  if (refusal === undefined) return;
  const { record, reason } = reject;
  await insertSlice(client, place, [
    {
      ...reject,
      record: { ...record, key: null, value: null },
      reason: storableReason(`${reason}; key and value are not kept: ${refusal.message}`),
    },
  ]);
}

async function insertSlice(
  client: pg.ClientBase,
  { topic, partition, identity }: Place,
  slice: readonly Reject[],
): Promise<void> {
  const columns = slice.map(({ record, reason, lastOffset }) => [
    record.offset.toString(),
    reason,
    record.key,
    record.value,
    receivedAt(record.timestampMs),
    timestampNumber(record.timestampMs),
    lastOffset?.toString() ?? null,
  ]);
  const place = [topic, identity.topicId, partition, GROUP_ID];
  const [only] = columns;
  // One record alone may be large: as a parameter of its own it is sent as bytes and not as hexadecimal text.
  if (columns.length === 1) await client.query(INSERT_ONE + REPLACE, [...place, ...only!]);
  else {
    const arrays = [0, 1, 2, 3, 4, 5, 6].map((index) => columns.map((values) => values[index]));
    await client.query(INSERT + REPLACE, [...place, ...arrays]);
  }
}

function* slices(rejects: readonly Reject[]): Generator<Reject[]> {
  let slice: Reject[] = [];
  let bytes = 0;
  for (const reject of rejects) {
    const size = (reject.record.key?.length ?? 0) + (reject.record.value?.length ?? 0);
    if (slice.length > 0 && bytes + size > INSERT_BYTES) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(reject);
    bytes += size;
  }
  if (slice.length > 0) yield slice;
}

function receivedAt(timestampMs: number): string | null {
  const isTime = timestampMs >= MIN_TIME_MS && timestampMs <= MAX_TIME_MS;
  return isTime ? new Date(timestampMs).toISOString() : null;
}

/** The timestamp as the log has it, to the precision of a double. */
function timestampNumber(timestampMs: number): string | null {
  if (!Number.isFinite(timestampMs)) return null;
  const number = BigInt(Math.trunc(timestampMs));
  return String(number > MAX_INT64 ? MAX_INT64 : number < MIN_INT64 ? MIN_INT64 : number);
}
