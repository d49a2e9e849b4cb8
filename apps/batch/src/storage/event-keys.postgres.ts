import type pg from 'pg';
import type { RowKey } from '../rows/encode-chunk.js';

/** Recognises repeated events of one table. */
export interface EventKeys {
  /** Records the keys of rows. Returns the rows that repeat no event, in ascending order. */
  claim(client: pg.ClientBase, keys: readonly RowKey[], rows: readonly number[]): Promise<number[]>;
  /** Deletes the key of a row that was not written. */
  release(client: pg.ClientBase, key: RowKey): Promise<void>;
  /** Returns those of some rows that the table does not have yet: with the same provider, id and event time. */
  withoutStored(client: pg.ClientBase, keys: readonly RowKey[], rows: readonly number[]): Promise<number[]>;
}

/** The order in which every process locks keys, so that two with the same keys wait for each other and never both. */
export function byKey(a: RowKey, b: RowKey): number {
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return a.providerId < b.providerId ? -1 : 1;
}
