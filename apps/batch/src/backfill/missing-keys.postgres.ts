import type pg from 'pg';
import { uuidArrayBytes } from '../rows/copy-writer.js';
import { dayOf, startOf } from '../rows/day.js';
import type { KeyList, RowKey, RowKeys } from '../rows/row-keys.js';
import type { Table } from '../rows/tables.js';
import { inLockOrder, type EventKeys } from '../storage/event-keys.postgres.js';
import { SeenIds } from '../storage/seen-ids.postgres.js';

/**
 * Recognises the events of one table that have a row, for backfills. A key in `ride.*_seen` says that an event was loaded, and
 * not that its row still exists, so the rows decide: an event with a row of any event time is a repeat.
 */
export class MissingKeys implements EventKeys {
  private readonly seen: SeenIds;

  constructor(private readonly table: Table) {
    this.seen = new SeenIds(table);
  }

  /** Records the keys of the rows that are missing, and returns these rows in ascending order. */
  async claim(client: pg.ClientBase, keys: RowKeys, rows: readonly number[]): Promise<number[]> {
    const candidates = await this.withoutRow(client, keys, rows);
    if (candidates.length === 0) return [];
    await this.lockKeys(
      client,
      inLockOrder(keys, candidates).map((row) => keys.at(row)),
    );
    // Another process may have written some of them before this one had the locks.
    return this.withoutRow(client, keys, candidates);
  }

  release(client: pg.ClientBase, key: RowKey): Promise<void> {
    return this.seen.release(client, key);
  }

  withoutStored(client: pg.ClientBase, keys: KeyList, rows: readonly number[]): Promise<number[]> {
    return this.seen.withoutStored(client, keys, rows);
  }

  /** Returns those of some rows whose event has no row, with any event time. */
  async withoutRow(client: pg.ClientBase, keys: KeyList, rows: readonly number[]): Promise<number[]> {
    const { name, idColumn } = this.table;
    const candidates = await this.seen.withoutStored(client, keys, rows);
    if (candidates.length === 0) return [];
    const found = await client.query<{ place: number }>(
      // With LIMIT each key is looked up in the indexes; without, the planner may read all of the table instead.
      `SELECT place::integer FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS keys (id, provider_id, place),
         LATERAL (SELECT FROM ride.${name} AS stored
                  WHERE stored."${idColumn}" = keys.id AND stored.provider_id = keys.provider_id LIMIT 1) AS stored`,
      idsOf(candidates.map((row) => keys.at(row)!)),
    );
    const stored = new Set(found.rows.map(({ place }) => place - 1));
    return candidates.filter((_, index) => !stored.has(index));
  }

  /** Inserts or updates keys, and locks them until the transaction ends. */
  private async lockKeys(client: pg.ClientBase, sorted: readonly RowKey[]): Promise<void> {
    await client.query(
      `INSERT INTO ride.${this.table.name}_seen AS seen (id, provider_id, day, seen_on)
       SELECT id, provider_id, day, (now() AT TIME ZONE 'UTC')::date
       FROM unnest($1::uuid[], $2::uuid[], $3::date[]) WITH ORDINALITY AS keys (id, provider_id, day, place) ORDER BY place
       ON CONFLICT (id, provider_id) DO UPDATE SET day = excluded.day, seen_on = excluded.seen_on`,
      [...idsOf(sorted), sorted.map(({ timeMs }) => startOf(dayOf(timeMs)).slice(0, 10))],
    );
  }
}

function idsOf(keys: readonly RowKey[]): [Buffer, Buffer] {
  return [uuidArrayBytes(keys.map(({ id }) => id)), uuidArrayBytes(keys.map(({ providerId }) => providerId))];
}
