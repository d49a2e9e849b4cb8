import type pg from 'pg';
import type { KeyList, RowKey, RowKeys } from '../rows/row-keys.js';

/** Recognises repeated events of one table. */
export interface EventKeys {
  /** Records the keys of rows. Returns the rows that repeat no event, in ascending order. */
  claim(client: pg.ClientBase, keys: RowKeys, rows: readonly number[]): Promise<number[]>;
  /** Deletes the key of a row that was not written. */
  release(client: pg.ClientBase, key: RowKey): Promise<void>;
  /** Returns those of some rows that the table does not have yet: with the same provider, id and event time. */
  withoutStored(client: pg.ClientBase, keys: KeyList, rows: readonly number[]): Promise<number[]>;
}

/** Rows in the order in which every process locks their keys, so that two with the same keys wait for each other and never both. */
export function inLockOrder(keys: RowKeys, rows: readonly number[]): number[] {
  return rows.toSorted((one, other) => keys.compare(one, other));
}
