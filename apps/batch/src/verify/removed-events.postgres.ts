import type pg from 'pg';
import { ErasedIds } from '../erasure/erased-ids.postgres.js';
import { readCutoffs } from '../retention/apply/cutoffs.postgres.js';
import { dayOf, type Day } from '../rows/day.js';
import type { RowKey } from '../rows/row-keys.js';

/** The events that have no row by intention: those before the cutoffs of the last load, and those of erased ids. */
export class RemovedEvents {
  private constructor(
    private readonly cutoffs: ReadonlyMap<string, ReadonlyMap<string | null, Day>>,
    private readonly erasedIds: ErasedIds,
  ) {}

  static async read(client: pg.ClientBase): Promise<RemovedEvents> {
    const erasedIds = new ErasedIds();
    await erasedIds.refresh(client);
    const cutoffs = new Map<string, Map<string | null, Day>>();
    for (const { table, providerId, day } of await readCutoffs(client)) {
      const ofTable = cutoffs.get(table) ?? new Map<string | null, Day>();
      cutoffs.set(table, ofTable.set(providerId, day));
    }
    return new RemovedEvents(cutoffs, erasedIds);
  }

  /** Whether the event of a record without a row is one of them. `key` is `undefined` if it cannot be read. */
  include(table: string, key: RowKey | undefined, value: Buffer | null): boolean {
    const cutoffs = this.cutoffs.get(table);
    const cutoff = cutoffs?.get(key?.providerId ?? null) ?? cutoffs?.get(null) ?? -Infinity;
    return (key !== undefined && dayOf(key.timeMs) < cutoff) || this.erasedIds.areIn(value);
  }
}
