import pg from 'pg';
import { CopyWriter } from '../rows/copy-writer.js';
import { storableReason, type EncodedRow, type Reject } from '../rows/encode-chunk.js';
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

  async write(rows: readonly EncodedRow[]): Promise<{ rows: number; rejects: Reject[] }> {
    const fresh = await this.claimIds(rows);
    const rejects: Reject[] = [];
    await this.copyRows(fresh, rejects);
    return { rows: fresh.length - rejects.length, rejects };
  }

  /**
   * Puts ids among those that were seen, and returns the rows whose ids were new. They are sorted, so that two
   * processes with the same ids wait for each other and never both.
   */
  private async claimIds(rows: readonly EncodedRow[]): Promise<readonly EncodedRow[]> {
    if (rows.length === 0) return rows;
    const ids = rows.map(({ id }) => id).toSorted();
    const target = { table: `ride.${this.table.name}_seen`, columns: ['id'] };
    const refusal = await this.attempt(isUniqueViolation, () =>
      copyTuples(this.client, target, [idTuples(ids)]),
    );
    if (refusal === undefined) return rows;
    // Slower, and only where something was sent twice.
    const inserted = await this.client.query<{ id: string }>(
      `INSERT INTO ride.${this.table.name}_seen (id) SELECT id FROM unnest($1::uuid[]) AS id ORDER BY id
       ON CONFLICT DO NOTHING RETURNING id`,
      [ids],
    );
    const fresh = new Set(inserted.rows.map(({ id }) => id));
    return rows.filter(({ id }) => fresh.has(id));
  }

  /** Copies rows; where Postgres refuses one for its data, halves them until it stands alone, and rejects it. */
  private async copyRows(rows: readonly EncodedRow[], rejects: Reject[]): Promise<void> {
    if (rows.length === 0) return;
    const target = { table: `ride.${this.table.name}`, columns: this.columns };
    const refusal = await this.attempt(isDataError, () =>
      copyTuples(
        this.client,
        target,
        rows.map(({ tuple }) => tuple),
      ),
    );
    if (refusal === undefined) return;
    const [row] = rows;
    if (rows.length === 1 && row) {
      rejects.push({ record: row.record, reason: storableReason(`Postgres: ${refusal.message}`) });
      await this.client.query(`DELETE FROM ride.${this.table.name}_seen WHERE id = $1`, [row.id]);
      return;
    }
    const middle = rows.length >> 1;
    await this.copyRows(rows.slice(0, middle), rejects);
    await this.copyRows(rows.slice(middle), rejects);
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
