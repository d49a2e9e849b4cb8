import { tablesByTopic } from '../rows/tables.js';

/** A table of schema `ride` that can be exported. */
export interface ExportedTable {
  readonly name: string;
  /** The column that the range of an export applies to, and by which its rows are sorted. */
  readonly timeColumn: string;
  /** Sorts rows with the same time. */
  readonly idColumn: string;
}

/** All tables that can be exported, by name. */
export const exportedTables: ReadonlyMap<string, ExportedTable> = new Map(
  [
    ...tablesByTopic.values(),
    { name: 'rebuilt_trips', timeColumn: 'first_event_at', idColumn: 'trip_id' },
  ].map(({ name, timeColumn, idColumn }) => [name, { name, timeColumn, idColumn }]),
);
