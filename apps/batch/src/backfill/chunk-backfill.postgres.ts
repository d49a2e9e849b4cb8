import type { LogRecord, TopicPartition, UndecodableBatch } from '@hailstream/log';
import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import { withConnection, type Pool } from '../database/pool.postgres.js';
import { ErasedIds } from '../erasure/erased-ids.postgres.js';
import { isTransient } from '../load/load.errors.js';
import { RecordedRejects } from '../rejects/recorded-rejects.postgres.js';
import type { RejectWriter } from '../rejects/reject-writer.js';
import type { Retention } from '../retention/retention.js';
import { CopyWriter } from '../rows/copy-writer.js';
import { encodeChunk, encodeUndecodable, type EncodedChunk, type Reject } from '../rows/encode-chunk.js';
import { eventKeyIn } from '../rows/event-key.js';
import type { Table } from '../rows/tables.js';
import { beginWithPartitions } from '../storage/partitions.postgres.js';
import { RowWriter } from '../storage/row-writer.postgres.js';
import { MissingKeys } from './missing-keys.postgres.js';

/** Attempts of a chunk that failed for a transient reason, and the wait before each. */
const MAX_ATTEMPTS = 6;
const RETRY_BACKOFF = { firstMs: 200, maxMs: 5_000 };
/** SQLSTATE of a transaction that Postgres aborts because of a deadlock. */
const DEADLOCK = '40P01';

/** Results for records that were read: `rows + duplicates + rejects + expired + erased`. */
export interface BackfillCounts {
  readonly read: number;
  /** Rows that were inserted; of a dry run, that would be. */
  readonly rows: number;
  /** Records whose event has a row. */
  readonly duplicates: number;
  /** Records that cannot be loaded, whether they were rejected before or not. */
  readonly rejects: number;
  /** Records whose event is older than `BATCH_RETENTION`. */
  readonly expired: number;
  /** Records of a rider or a device that was erased. */
  readonly erased: number;
}

type WrittenCounts = Omit<BackfillCounts, 'read' | 'expired'>;

interface ChunkBackfillOptions {
  readonly pool: Pool;
  readonly table: Table;
  readonly rejects: RejectWriter;
  /** `EVENTS_MAX_AGE_DAYS` */
  readonly maxAgeDays: number;
  readonly retention: Retention;
  /** Writes nothing. */
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

/** Loads the records of one topic that have no row and no reject, each chunk in one transaction. */
export class ChunkBackfill {
  private readonly writer = new CopyWriter();
  private readonly keys: MissingKeys;
  private readonly recorded: RecordedRejects;
  private readonly erasedIds = new ErasedIds();
  /** Number of rejects that were written to the dead-letter queue. */
  newRejects = 0;

  constructor(private readonly options: ChunkBackfillOptions) {
    this.keys = new MissingKeys(options.table);
    this.recorded = new RecordedRejects(options.pool);
  }

  /** Loads records. A call that failed can be repeated. */
  async load(place: TopicPartition, records: readonly LogRecord[]): Promise<BackfillCounts> {
    const { table, maxAgeDays, retention } = this.options;
    const nowMs = Date.now();
    const isExpired = retention.expiry(table.name, nowMs);
    const encoded = await encodeChunk(table, records, { writer: this.writer, nowMs, maxAgeDays, isExpired });
    return await this.retrying(() => this.loadEncoded(place, records, encoded));
  }

  /** Rejects a batch that cannot be decoded. */
  async reject(batch: UndecodableBatch): Promise<BackfillCounts> {
    const { rejects } = encodeUndecodable(batch, { writer: this.writer, from: batch.baseOffset });
    await this.retrying(async () => {
      if (!(await this.recorded.hasBatch(batch))) await this.writeRejects(batch, rejects);
    });
    this.options.rejects.committed(batch);
    return { read: 1, rows: 0, duplicates: 0, rejects: 1, expired: 0, erased: 0 };
  }

  private async loadEncoded(
    place: TopicPartition,
    records: readonly LogRecord[],
    encoded: EncodedChunk,
  ): Promise<BackfillCounts> {
    const states = await this.recorded.of(place, records);
    const isOpen = ({ record }: Reject): boolean => states.get(record.offset) === 'open';
    const known = encoded.rejects.filter(isOpen);
    const unloadable = await this.withoutRow(encoded.rejects.filter((reject) => !isOpen(reject)));
    const loaded = encoded.rejects.length - known.length - unloadable.length;
    await this.writeRejects(place, unloadable);
    const written = this.options.isDryRun
      ? await this.countMissing(encoded)
      : await this.write(place, encoded, isOpen);
    return {
      read: encoded.records.countFrom(0n),
      rows: written.rows,
      duplicates: written.duplicates + loaded,
      rejects: written.rejects + known.length + unloadable.length,
      expired: encoded.expired.length,
      erased: written.erased,
    };
  }

  private async write(
    place: TopicPartition,
    { rows, days }: EncodedChunk,
    isKnown: (reject: Reject) => boolean,
  ): Promise<WrittenCounts> {
    const { pool, table, rejects } = this.options;
    return withConnection(pool, async (client) => {
      await beginWithPartitions(client, table.name, days);
      // The transaction has locked the table: no erasure can be stored until it ends.
      await this.erasedIds.refresh(client);
      const written = await new RowWriter(client, table, this.keys, this.erasedIds).write(rows, 0n);
      await this.writeRejects(
        place,
        written.rejects.filter((reject) => !isKnown(reject)),
      );
      await client.query('COMMIT');
      rejects.committed(place);
      return { ...written, rejects: written.rejects.length };
    });
  }

  /** Counts what {@link write} would write. Rows that Postgres would reject, and repeats across chunks, count as rows. */
  private async countMissing({ rows }: EncodedChunk): Promise<WrittenCounts> {
    const { pool, table } = this.options;
    return withConnection(pool, async (client) => {
      await this.erasedIds.refresh(client);
      const isErased = (row: number): boolean => this.erasedIds.coverRow(table, rows, row);
      const all = Array.from({ length: rows.count }, (_, row) => row).filter((row) => !isErased(row));
      const missing = await this.keys.withoutRow(client, rows.keys, all);
      const repeats = rows.repeatsFrom(0n);
      const erasedRepeats = repeats.filter(({ row }) => isErased(row)).length;
      return {
        rows: missing.length,
        duplicates: all.length - missing.length + repeats.length - erasedRepeats,
        erased: rows.count - all.length + erasedRepeats,
        rejects: 0,
      };
    });
  }

  /** Returns the rejects whose event was not loaded nevertheless: under other limits, or after an earlier rejection. */
  private async withoutRow(rejects: readonly Reject[]): Promise<readonly Reject[]> {
    const keys = rejects.map(({ record }) => eventKeyIn(this.options.table.family, record.value));
    const readable = [...keys.keys()].filter((index) => keys[index] !== undefined);
    if (readable.length === 0) return rejects;
    const missing = await withConnection(this.options.pool, (client) =>
      this.keys.withoutRow(
        client,
        readable.map((index) => keys[index]!),
        [...readable.keys()],
      ),
    );
    const loaded = new Set(readable);
    for (const place of missing) loaded.delete(readable[place]!);
    return rejects.filter((_, index) => !loaded.has(index));
  }

  private async writeRejects(place: TopicPartition, rejects: readonly Reject[]): Promise<void> {
    if (this.options.isDryRun || rejects.length === 0) return;
    await this.options.rejects.write(place, rejects);
    this.newRejects += rejects.length;
  }

  private async retrying<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      this.options.signal.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !isRetried(error)) throw error;
        await sleep(backoffMs(attempt - 1, RETRY_BACKOFF), this.options.signal);
      }
    }
  }
}

function isRetried(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && error.code === DEADLOCK) return true;
  return isTransient(error);
}
