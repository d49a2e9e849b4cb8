import type pg from 'pg';
import { storableReason, type EncodedRows, type Reject, type Repeat } from '../rows/encode-chunk.js';
import { DuplicateTally, type HourDuplicates } from '../rows/duplicate-tally.js';
import type { Table } from '../rows/tables.js';
import { copyTuples } from '../database/copy.postgres.js';
import { attempt, isDataError, isUniqueViolation } from '../database/savepoint.postgres.js';
import { markStale } from '../aggregates/stale-quarters.postgres.js';
import type { EventKeys } from './event-keys.postgres.js';
import { writeMarks } from '../trips/marks/write-marks.postgres.js';
import type { ErasedIds } from '../erasure/erased-ids.postgres.js';

/** Rows that are copied together after one that Postgres rejected: doubled with each success. */
const FIRST_ROWS_AFTER_REFUSAL = 64;
/** The row that Postgres rejects: `COPY telemetry, line 42`, in the language of the server. */
const REFUSED_LINE = /^COPY [^,]+, \D*(\d+)/m;

/** Result of writing the rows of a chunk. */
interface WrittenRows {
  /** Rows that were inserted. */
  readonly rows: number;
  /** Records whose event had been loaded before, or occurs earlier in the chunk. */
  readonly duplicates: number;
  /** The same records by provider and hour. */
  readonly duplicatesByHour: readonly HourDuplicates[];
  /** Records of a rider or a device that was erased. They are not inserted. */
  readonly erased: number;
  /** Records that Postgres rejected. */
  readonly rejects: Reject[];
}

/** Writes the rows of one chunk in its transaction. */
export class RowWriter {
  private readonly columns: readonly string[];
  private readonly rejects: Reject[] = [];
  private readonly refusedRows = new Map<number, string>();
  private readonly written: number[] = [];
  private erased = 0;
  private hasLookedUpRows = false;

  constructor(
    private readonly client: pg.ClientBase,
    private readonly table: Table,
    private readonly seen: EventKeys,
    private readonly erasedIds: ErasedIds,
  ) {
    this.columns = table.columns.map(({ name }) => name);
  }

  /** Copies the rows at or after an offset that are not erased and not in the table yet, and marks the trips that they may change. */
  async write(rows: EncodedRows, position: bigint): Promise<WrittenRows> {
    const first = rows.firstFrom(position);
    const all = Array.from({ length: rows.count - first }, (_, index) => first + index);
    const candidates = all.filter((row) => !this.isErased(rows, row));
    this.erased = all.length - candidates.length;
    const duplicates = new DuplicateTally(rows.keys);
    const unseen = await this.seen.claim(this.client, rows.keys, candidates);
    duplicates.addMissing(candidates, unseen);
    await this.copyRows(rows, unseen, duplicates);
    await writeMarks(this.client, this.table, { rows, written: this.written });
    await markStale(
      this.client,
      this.table.name,
      unseen.map((row) => rows.keys.timeAt(row)),
    );
    const written = candidates.length - duplicates.count - this.rejects.length;
    for (const repeat of rows.repeatsFrom(position)) this.settleRepeat(rows, repeat, duplicates);
    return {
      rows: written,
      duplicates: duplicates.count,
      duplicatesByHour: duplicates.byHour(),
      erased: this.erased,
      rejects: this.rejects,
    };
  }

  /** Copies rows. A row that Postgres rejects becomes a reject, and copying continues after it. */
  private async copyRows(
    rows: EncodedRows,
    candidates: readonly number[],
    duplicates: DuplicateTally,
  ): Promise<void> {
    let size = candidates.length;
    for (let from = 0; from < candidates.length;) {
      const part = candidates.slice(from, from + size);
      const refusal = await this.copy(rows, part);
      if (refusal === undefined) {
        for (const row of part) this.written.push(row);
        from += part.length;
        size *= 2;
        continue;
      }
      if (isUniqueViolation(refusal) && !this.hasLookedUpRows) {
        this.hasLookedUpRows = true;
        const left = candidates.slice(from);
        const missing = await this.seen.withoutStored(this.client, rows.keys, left);
        duplicates.addMissing(left, missing);
        return this.copyRows(rows, missing, duplicates);
      }
      const place = refusedPlace(refusal, part.length);
      if (place === undefined) {
        // The error does not identify the row: halve the rows until only one is left.
        size = part.length >> 1;
        continue;
      }
      if (place > 0) await this.copyRows(rows, part.slice(0, place), duplicates);
      if (isUniqueViolation(refusal)) duplicates.add(part[place]!);
      else await this.refuse(rows, part[place]!, refusal);
      from += place + 1;
      size = Math.min(size, Math.max(FIRST_ROWS_AFTER_REFUSAL, 2 * place));
    }
  }

  private copy(rows: EncodedRows, part: readonly number[]): Promise<pg.DatabaseError | undefined> {
    const target = { table: `ride.${this.table.name}`, columns: this.columns };
    return attempt(this.client, isDataError, () => copyTuples(this.client, target, rows.tuples(part)));
  }

  private async refuse(rows: EncodedRows, row: number, refusal: pg.DatabaseError): Promise<void> {
    const reason = storableReason(`Postgres: ${refusal.message}`);
    this.rejects.push({ record: rows.recordOf(row), reason });
    this.refusedRows.set(row, reason);
    await this.seen.release(this.client, rows.keys.at(row));
  }

  private isErased(rows: EncodedRows, row: number): boolean {
    return this.erasedIds.coverRow(this.table, rows, row);
  }

  /** A record that repeats a row that was erased or rejected is not a duplicate, because its event was not loaded. */
  private settleRepeat(rows: EncodedRows, { record, row, timeMs }: Repeat, duplicates: DuplicateTally): void {
    const reason = this.refusedRows.get(row);
    if (this.isErased(rows, row)) this.erased += 1;
    else if (reason === undefined) duplicates.add(row, timeMs);
    else this.rejects.push({ record, reason: storableReason(`an earlier record with its id: ${reason}`) });
  }
}

/** Returns which of the copied rows was rejected, counted from 0; `undefined` if the error does not identify it. */
function refusedPlace({ where }: pg.DatabaseError, count: number): number | undefined {
  if (count === 1) return 0;
  const line = Number(REFUSED_LINE.exec(where ?? '')?.[1]);
  return line >= 1 && line <= count ? line - 1 : undefined;
}
