import type pg from 'pg';
import { CopyWriter, uuidArrayBytes } from '../rows/copy-writer.js';
import { dayOf, type Day } from '../rows/day.js';
import type { KeyList, RowKey, RowKeys } from '../rows/row-keys.js';
import type { Table } from '../rows/tables.js';
import { UUID_WORDS } from '../rows/uuid-set.js';
import { copyTuples } from '../database/copy.postgres.js';
import { attempt, isUniqueViolation } from '../database/savepoint.postgres.js';
import { inLockOrder, type EventKeys } from './event-keys.postgres.js';

/** Field count; two UUIDs and two dates, each with its length. */
const KEY_TUPLE_BYTES = 2 + 2 * (4 + 16) + 2 * (4 + 4);
/** Chunks without a repeat after which keys are copied again without a lookup first. */
const CHUNKS_WITHOUT_REPEATS = 8;
/** Attempts to record keys while other processes record the same ones: each waits until the other has committed. */
const MAX_ATTEMPTS = 10;

/**
 * Recognises repeated events of one table, for the chunks of one load.
 *
 * Two unique keys identify a repeat: `ride.*_seen` has the provider and id of every event of the last
 * `BATCH_REPEAT_WINDOW_DAYS`, whatever its event time; the primary key of the table has provider, id and event time of every
 * row. Without repeats, keys and rows are copied without a lookup, which is fastest. A chunk with a repeat makes the next
 * ones look up their keys first, so that their copies do not fail.
 */
export class SeenIds implements EventKeys {
  private readonly seenTable: string;
  private chunksToLookUpKeys = 0;
  private chunksToLookUpRows = 0;

  constructor(private readonly table: Table) {
    this.seenTable = `ride.${table.name}_seen`;
  }

  /** Records the keys of rows. Returns the rows that repeat no event, in ascending order. */
  async claim(client: pg.ClientBase, keys: RowKeys, rows: readonly number[]): Promise<number[]> {
    if (rows.length === 0) return [];
    const candidates = this.chunksToLookUpRows > 0 ? await this.withoutStored(client, keys, rows) : rows;
    const sorted = inLockOrder(keys, candidates);
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts += 1) {
      const unseen = this.chunksToLookUpKeys > 0 ? await this.unseen(client, keys, sorted) : sorted;
      if (unseen.length < sorted.length) this.chunksToLookUpKeys = CHUNKS_WITHOUT_REPEATS;
      else if (this.chunksToLookUpKeys > 0) this.chunksToLookUpKeys -= 1;
      if (await this.copy(client, keys, unseen)) return unseen.toSorted((a, b) => a - b);
      this.chunksToLookUpKeys = CHUNKS_WITHOUT_REPEATS;
    }
    throw new Error(`${this.seenTable}: other processes recorded the same ids ${MAX_ATTEMPTS} times`);
  }

  /** Deletes the key of a row that was not written. */
  async release(client: pg.ClientBase, { id, providerId }: RowKey): Promise<void> {
    await client.query(`DELETE FROM ${this.seenTable} WHERE id = $1 AND provider_id = $2`, [id, providerId]);
  }

  /** Returns those of some rows that the table does not have yet: with the same provider, id and event time. */
  async withoutStored(client: pg.ClientBase, keys: KeyList, rows: readonly number[]): Promise<number[]> {
    const { name, idColumn, timeColumn } = this.table;
    const lookups = rows.map((row) => keys.at(row)!);
    const found = await client.query<{ place: number }>(
      // The event time selects the partition of each key.
      `SELECT place::integer
       FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS keys (id, provider_id, time_ms, place),
         LATERAL (SELECT FROM ride.${name} AS stored
                  WHERE stored."${idColumn}" = keys.id AND stored.provider_id = keys.provider_id
                    AND stored."${timeColumn}" = 'epoch'::timestamptz + keys.time_ms * interval '1 millisecond'
                  LIMIT 1) AS stored`,
      [
        uuidArrayBytes(lookups.map(({ id }) => id)),
        uuidArrayBytes(lookups.map(({ providerId }) => providerId)),
        lookups.map(({ timeMs }) => timeMs),
      ],
    );
    if (found.rows.length > 0) this.chunksToLookUpRows = CHUNKS_WITHOUT_REPEATS;
    else if (this.chunksToLookUpRows > 0) this.chunksToLookUpRows -= 1;
    const stored = new Set(found.rows.map(({ place }) => place - 1));
    return rows.filter((_, index) => !stored.has(index));
  }

  private async unseen(
    client: pg.ClientBase,
    keys: RowKeys,
    rows: readonly number[],
  ): Promise<readonly number[]> {
    const lookups = rows.map((row) => keys.at(row));
    const found = await client.query<{ place: number }>(
      // With LIMIT each key is looked up in the index; without, the planner may read all of the table instead.
      `SELECT place::integer FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS keys (id, provider_id, place),
         LATERAL (SELECT FROM ${this.seenTable} AS seen
                  WHERE seen.id = keys.id AND seen.provider_id = keys.provider_id LIMIT 1) AS seen`,
      [
        uuidArrayBytes(lookups.map(({ id }) => id)),
        uuidArrayBytes(lookups.map(({ providerId }) => providerId)),
      ],
    );
    if (found.rows.length === 0) return rows;
    const seen = new Set(found.rows.map(({ place }) => place - 1));
    return rows.filter((_, index) => !seen.has(index));
  }

  /** Copies all keys, or none if one of them exists already. Returns whether it did. */
  private async copy(client: pg.ClientBase, keys: RowKeys, rows: readonly number[]): Promise<boolean> {
    if (rows.length === 0) return true;
    const target = { table: this.seenTable, columns: ['id', 'provider_id', 'day', 'seen_on'] };
    const refusal = await attempt(client, isUniqueViolation, () =>
      copyTuples(client, target, keyTuples(keys, rows, dayOf(Date.now()))),
    );
    return refusal === undefined;
  }
}

function keyTuples(keys: RowKeys, rows: readonly number[], seenOn: Day): Buffer {
  const writer = new CopyWriter(rows.length * KEY_TUPLE_BYTES);
  const { idWords, providerWords } = keys;
  for (const row of rows) {
    writer.tuple(4);
    writer.uuidWords(idWords, row * UUID_WORDS);
    writer.uuidWords(providerWords, keys.providerNumberAt(row) * UUID_WORDS);
    writer.date(dayOf(keys.timeAt(row)));
    writer.date(seenOn);
  }
  return writer.bytes();
}
