import { batchGroup } from '@hailstream/events';
import pg from 'pg';
import { begin, withConnection } from '../database/pool.postgres.js';
import type { LogRecord } from '@hailstream/log';
import { createPartition, missingDays } from '../storage/partitions.postgres.js';
import { RowWriter } from '../storage/row-writer.postgres.js';
import { SeenIds } from '../storage/seen-ids.postgres.js';
import { CopyWriter } from '../rows/copy-writer.js';
import { encodeChunk } from '../rows/encode-chunk.js';
import { ErasedIds } from '../erasure/erased-ids.postgres.js';
import type { Retention } from '../retention/retention.js';
import type { Table, Tables } from '../rows/tables.js';
import { resolveDeadLetters } from './dead-letters.postgres.js';

/** Number of rejects that are listed per query. */
const PAGE_REJECTS = 10_000;
/** Maximum number of rejects, and of bytes of their keys and values, per transaction. A larger reject has its own. */
const CHUNK_REJECTS = 1_000;
const CHUNK_BYTES = 4 * 1024 * 1024;
/** Attempts of a transaction that Postgres aborts because of a deadlock with a load. */
const MAX_ATTEMPTS = 5;

/** Selects the rejects to retry. */
export interface RetryFilter {
  /** Only rejects of this topic. @default all */
  readonly topic?: string;
  /** Only rejects whose reason contains this text. @default all */
  readonly reason?: string;
  /** Loads nothing: every transaction is rolled back. */
  readonly isDryRun: boolean;
}

export interface RetryOptions extends RetryFilter {
  readonly tables: Tables;
  /** `EVENTS_MAX_AGE_DAYS` */
  readonly maxAgeDays: number;
  readonly retention: Retention;
  /** Called after each transaction in which rejects were resolved. */
  readonly onResolved?: (resolved: readonly ResolvedReject[]) => Promise<void>;
}

/** A reject whose record was loaded. */
export interface ResolvedReject {
  readonly id: string;
  readonly key: Buffer | null;
}

/** Results of retried rejects: `retried` is `rows + duplicates + expired + erased + rejects`. */
export interface RetryCounts {
  readonly retried: number;
  /** Rows that were written. */
  readonly rows: number;
  /** Rejects whose event was loaded in the meantime. */
  readonly duplicates: number;
  /** Rejects whose event is older than `BATCH_RETENTION`. They are resolved without being loaded. */
  readonly expired: number;
  /** Rejects of a rider or a device that was erased. They are resolved without being loaded. */
  readonly erased: number;
  /** Records that were rejected again. They remain, with the new reason. */
  readonly rejects: number;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly id: string;
}

/** Rejects of one partition with distinct offsets. */
interface Chunk {
  readonly topic: string;
  readonly ids: ReadonlyMap<string, string>;
}

export const NOTHING_RETRIED: RetryCounts = {
  retried: 0,
  rows: 0,
  duplicates: 0,
  expired: 0,
  erased: 0,
  rejects: 0,
};

/**
 * Loads rejects again. Rows are inserted and their rejects resolved in one transaction, so that each record is loaded once
 * even if the command is interrupted or repeated. Rejects without a value are skipped. Returns the counts of each topic
 * that has rejects.
 */
export async function retryRejects(
  pool: pg.Pool,
  options: RetryOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RetryCounts>> {
  const retry = new RejectRetry(pool, options);
  const counts = new Map<string, RetryCounts>();
  for await (const chunk of retry.chunks()) {
    signal.throwIfAborted();
    const { topic } = chunk;
    counts.set(topic, addCounts(counts.get(topic) ?? NOTHING_RETRIED, await retry.load(chunk)));
  }
  return counts;
}

class RejectRetry {
  private readonly seenIds: ReadonlyMap<string, SeenIds>;
  private readonly writer = new CopyWriter();
  private readonly erasedIds = new ErasedIds();

  constructor(
    private readonly pool: pg.Pool,
    private readonly options: RetryOptions,
  ) {
    this.seenIds = new Map([...options.tables.values()].map((table) => [table.name, new SeenIds(table)]));
  }

  /** Returns chunks of one partition each, in order of position, so that rejects that remain are not returned twice. */
  async *chunks(): AsyncGenerator<Chunk> {
    let last: Place = { topic: '', partition: 0, offset: '0', id: '' };
    for (;;) {
      const page = await this.readPage(last);
      yield* intoChunks(page);
      if (page.length < PAGE_REJECTS) return;
      last = page.at(-1)!;
    }
  }

  async load(chunk: Chunk): Promise<RetryCounts> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await withConnection(this.pool, (client) => this.loadOnce(client, chunk));
      } catch (error) {
        const isDeadlock = error instanceof pg.DatabaseError && error.code === '40P01';
        if (!isDeadlock || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  private async readPage({ topic, partition, offset, id }: Place): Promise<(Place & { bytes: number })[]> {
    const { rows } = await this.pool.query<Place & { bytes: number }>(
      `SELECT topic, partition, "offset", id, octet_length(value) + coalesce(octet_length(key), 0) AS bytes
       FROM ride.rejects
       WHERE topic = ANY($1) AND value IS NOT NULL AND last_offset IS NULL AND position($2 IN reason) > 0
         AND consumer_group = $3 AND (topic, partition, "offset", id) > ($4, $5, $6, $7)
       ORDER BY topic, partition, "offset", id LIMIT $8`,
      [
        this.options.topic === undefined ? [...this.options.tables.keys()] : [this.options.topic],
        this.options.reason ?? '',
        batchGroup,
        topic,
        partition,
        offset,
        id,
        PAGE_REJECTS,
      ],
    );
    return rows;
  }

  private async loadOnce(client: pg.ClientBase, chunk: Chunk): Promise<RetryCounts> {
    const table = this.options.tables.get(chunk.topic)!;
    await begin(client);
    const records = await lockRejects(client, chunk);
    const { maxAgeDays, retention } = this.options;
    const nowMs = Date.now();
    const limits = { nowMs, maxAgeDays, isExpired: retention.expiry(table.name, nowMs) };
    const encoded = await encodeChunk(table, records, { writer: this.writer, ...limits });
    for (const day of await missingDays(client, table.name, encoded.days)) {
      await createPartition(client, table.name, { day, nowMs });
    }
    await this.erasedIds.refresh(client);
    const written = await this.rowWriter(client, table).write(encoded.rows, 0n);
    const rejects = [...encoded.rejects, ...written.rejects];
    const rejectedOffsets = new Set(rejects.map(({ record }) => record.offset));
    const resolved = records
      .filter(({ offset }) => !rejectedOffsets.has(offset))
      .map(({ offset, key }) => ({ id: idOf(chunk, offset), key }));
    await resolveDeadLetters(
      client,
      resolved.map(({ id }) => id),
    );
    await client.query(
      `UPDATE ride.dead_letters SET reason = again.reason, rejected_at = now()
       FROM unnest($1::text[], $2::text[]) AS again (id, reason) WHERE dead_letters.id = again.id`,
      [rejects.map(({ record }) => idOf(chunk, record.offset)), rejects.map(({ reason }) => reason)],
    );
    await client.query(this.options.isDryRun ? 'ROLLBACK' : 'COMMIT');
    if (!this.options.isDryRun && resolved.length > 0) await this.options.onResolved?.(resolved);
    const { rows, duplicates, erased } = written;
    const expired = encoded.expired.length;
    return { retried: records.length, rows, duplicates, expired, erased, rejects: rejects.length };
  }

  private rowWriter(client: pg.ClientBase, table: Table): RowWriter {
    return new RowWriter(client, table, this.seenIds.get(table.name)!, this.erasedIds);
  }
}

/** Returns the rejects of a chunk as records, without those that another process has resolved in the meantime. */
async function lockRejects(client: pg.ClientBase, { ids }: Chunk): Promise<LogRecord[]> {
  const { rows } = await client.query<{
    offset: string;
    key: Buffer | null;
    value: Buffer;
    timestamp_ms: string | null;
  }>(
    `SELECT "offset", key, value,
       coalesce(timestamp_ms, (extract(epoch FROM received_at) * 1000)::bigint) AS timestamp_ms
     FROM ride.dead_letters WHERE id = ANY($1) AND resolved_at IS NULL AND value IS NOT NULL
     ORDER BY "offset" FOR UPDATE`,
    [[...ids.values()]],
  );
  return rows.map((row) => ({
    offset: BigInt(row.offset),
    key: row.key,
    value: row.value,
    headers: {},
    timestampMs: Number(row.timestamp_ms ?? Number.NaN),
  }));
}

function idOf({ ids }: Chunk, offset: bigint): string {
  return ids.get(offset.toString())!;
}

function* intoChunks(page: readonly (Place & { readonly bytes: number })[]): Generator<Chunk> {
  let chunk: Place[] = [];
  let bytes = 0;
  for (const place of page) {
    const [first] = chunk;
    const isOther = first?.topic !== place.topic || first.partition !== place.partition;
    if (
      isOther ||
      chunk.at(-1)?.offset === place.offset ||
      chunk.length === CHUNK_REJECTS ||
      bytes + place.bytes > CHUNK_BYTES
    ) {
      if (chunk.length > 0) yield toChunk(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(place);
    bytes += place.bytes;
  }
  if (chunk.length > 0) yield toChunk(chunk);
}

function toChunk(places: readonly Place[]): Chunk {
  return { topic: places[0]!.topic, ids: new Map(places.map(({ offset, id }) => [offset, id])) };
}

export function addCounts(one: RetryCounts, other: RetryCounts): RetryCounts {
  return {
    retried: one.retried + other.retried,
    rows: one.rows + other.rows,
    duplicates: one.duplicates + other.duplicates,
    expired: one.expired + other.expired,
    erased: one.erased + other.erased,
    rejects: one.rejects + other.rejects,
  };
}
