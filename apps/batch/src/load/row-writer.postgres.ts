import pg from 'pg';
import { CopyWriter } from '../rows/copy-writer.js';
import { storableReason, type EncodedRows, type Reject } from '../rows/encode-chunk.js';
import type { Table } from '../rows/tables.js';
import { copyTuples } from './copy.postgres.js';

/** Field count, length, and a UUID's sixteen bytes. */
const ID_TUPLE_BYTES = 2 + 4 + 16;

/** Writes the rows of one chunk, inside its transaction. */
export class RowWriter {
  private readonly columns: readonly string[];

  constructor(
    private readonly client: pg.ClientBase,
    private readonly table: Table,
  ) {
    this.columns = table.columns.map(({ name }) => name);
  }

  /** Writes the rows from one on, but for those that were there already. */
  async write(rows: EncodedRows, first: number): Promise<{ rows: number; rejects: Reject[] }> {
    const rejects: Reject[] = [];
    let written = 0;
    for (const [from, to] of await this.claimIds(rows, first)) {
      await this.copyRows(rows, { from, to }, rejects);
      written += to - from;
    }
    return { rows: written - rejects.length, rejects };
  }

  /**
   * Puts ids among those that were seen, and returns the rows whose ids were new, as ranges of indexes. Ids are sorted,
   * so that two processes with the same ones wait for each other and never both.
   */
  private async claimIds({ ids, count }: EncodedRows, first: number): Promise<[from: number, to: number][]> {
    if (first === count) return [];
    const sorted = ids.slice(first).sort();
    const target = { table: `ride.${this.table.name}_seen`, columns: ['id'] };
    const refusal = await this.attempt(isUniqueViolation, () =>
      copyTuples(this.client, target, idTuples(sorted)),
    );
    if (refusal === undefined) return [[first, count]];
    // Slower, and only where something was sent twice.
    const inserted = await this.client.query<{ id: string }>(
      `INSERT INTO ride.${this.table.name}_seen (id) SELECT id FROM unnest($1::uuid[]) AS id ORDER BY id
       ON CONFLICT DO NOTHING RETURNING id`,
      [sorted],
    );
    const fresh = new Set(inserted.rows.map(({ id }) => id));
    return rangesWhere(ids, (id, index) => index >= first && fresh.has(id));
  }

  /** Copies rows; where Postgres refuses one for its data, halves them until it stands alone, and rejects it. */
  private async copyRows(
    rows: EncodedRows,
    { from, to }: { from: number; to: number },
    rejects: Reject[],
  ): Promise<void> {
    const target = { table: `ride.${this.table.name}`, columns: this.columns };
    const refusal = await this.attempt(isDataError, () =>
      copyTuples(this.client, target, rows.tuples(from, to)),
    );
    if (refusal === undefined) return;
    if (to - from === 1) {
      rejects.push({ record: rows.recordOf(from), reason: storableReason(`Postgres: ${refusal.message}`) });
      await this.client.query(`DELETE FROM ride.${this.table.name}_seen WHERE id = $1`, [rows.ids[from]]);
      return;
    }
    const middle = (from + to) >> 1;
    await this.copyRows(rows, { from, to: middle }, rejects);
    await this.copyRows(rows, { from: middle, to }, rejects);
  }

  /** Runs a statement under a savepoint; returns the error where it is one that is expected, and all else as before. */
  private async attempt(
    isExpected: (error: pg.DatabaseError) => boolean,
    statement: () => Promise<void>,
  ): Promise<pg.DatabaseError | undefined> {
    await this.client.query('SAVEPOINT attempt');
    try {
      await statement();
      await this.client.query('RELEASE SAVEPOINT attempt');
      return undefined;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || !isExpected(error)) throw error;
      await this.client.query('ROLLBACK TO SAVEPOINT attempt');
      return error;
    }
  }
}

/** Where a condition holds, as ranges of indexes. */
function rangesWhere<T>(
  items: readonly T[],
  holds: (item: T, index: number) => boolean,
): [from: number, to: number][] {
  const ranges: [from: number, to: number][] = [];
  for (const [index, item] of items.entries()) {
    if (!holds(item, index)) continue;
    const last = ranges.at(-1);
    if (last?.[1] === index) last[1] = index + 1;
    else ranges.push([index, index + 1]);
  }
  return ranges;
}

function idTuples(ids: readonly string[]): Buffer {
  const writer = new CopyWriter(ids.length * ID_TUPLE_BYTES);
  for (const id of ids) {
    writer.tuple(1);
    writer.uuid(id);
  }
  return writer.bytes();
}

function isUniqueViolation({ code }: pg.DatabaseError): boolean {
  return code === '23505';
}

/** Data exceptions, and limits that one value is beyond. */
function isDataError({ code }: pg.DatabaseError): boolean {
  return code !== undefined && (code.startsWith('22') || code.startsWith('54'));
}
