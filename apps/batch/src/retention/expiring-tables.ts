import type { Tables } from '../rows/tables.js';
import type { ExpiringTable } from './retention.js';

/** Tables that `BATCH_RETENTION` accepts in addition to those of event families. */
const OTHER_TABLES: readonly ExpiringTable[] = [
  { name: 'rebuilt_trips', timeColumn: 'last_event_at', isPartitioned: false, hasProvider: true },
  { name: 'dead_letters', timeColumn: 'rejected_at', isPartitioned: false, hasProvider: false },
];

/** The tables whose rows can expire. */
export function expiringTables(tables: Tables): ExpiringTable[] {
  const ofFamilies = [...tables.values()].map(({ name, timeColumn }) => ({
    name,
    timeColumn,
    isPartitioned: true,
    hasProvider: true,
  }));
  return [...ofFamilies, ...OTHER_TABLES];
}
