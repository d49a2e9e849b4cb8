import type pg from 'pg';
import type { Figure } from '../../harness/report.js';

const SOURCES = ['telemetry', 'vehicle_events', 'rider_events', 'trips'];
const AGGREGATES = [
  'ride_outcomes',
  'vehicle_quarters',
  'position_days',
  'state_periods',
  'state_hours',
  'state_days',
  'cell_quarters',
  'cell_hours',
  'cell_supply',
  'cell_totals',
  'zone_quarters',
  'zone_hours',
  'provider_quarters',
  'rebuilt_trips',
  'compared_trips',
];

/** Disk per row of each table with its indexes, and the size of the aggregates. */
export async function measureSizes(client: pg.Client, size: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  const add = (name: string, value: number, unit: string): void => {
    figures.push({ kind: 'figure', name: `${size}: ${name}`, value, unit, target: null });
  };
  for (const source of SOURCES) {
    for (const table of [source, `${source}_seen`]) {
      const { rows, heap, indexes } = await sizeOf(client, table);
      add(`${table}, ${rows} rows: table`, heap / rows, 'bytes/row');
      for (const [name, bytes] of indexes) add(`${table}: index ${name}`, bytes / rows, 'bytes/row');
    }
  }
  for (const table of AGGREGATES) {
    const { rows, heap, indexes } = await sizeOf(client, table);
    const bytes = heap + [...indexes.values()].reduce((sum, each) => sum + each, 0);
    add(`${table}, ${rows} rows, with indexes`, bytes / 2 ** 20, 'MiB');
  }
  const { rows } = await client.query<{ bytes: string }>(
    `SELECT sum(pg_total_relation_size(oid)) AS bytes FROM pg_class
     WHERE relnamespace = 'ride'::regnamespace AND relkind IN ('r', 'm')`,
  );
  add('schema ride', Number(rows[0]!.bytes) / 2 ** 20, 'MiB');
  return figures;
}

interface TableSize {
  readonly rows: number;
  readonly heap: number;
  /** Bytes by the columns of the index. */
  readonly indexes: ReadonlyMap<string, number>;
}

async function sizeOf(client: pg.Client, table: string): Promise<TableSize> {
  const { rows: counts } = await client.query<{ rows: string; heap: string }>(
    `SELECT (SELECT count(*) FROM ride.${table}) AS rows, sum(pg_table_size(relid)) AS heap FROM (${tablesOf(table)}) AS tables`,
  );
  const { rows: indexes } = await client.query<{ name: string; bytes: string }>(
    `SELECT substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)$') AS name, sum(pg_relation_size(indexrelid)) AS bytes
     FROM (${tablesOf(table)}) AS tables JOIN pg_index ON indrelid = relid GROUP BY 1 ORDER BY 2 DESC`,
  );
  return {
    rows: Number(counts[0]!.rows),
    heap: Number(counts[0]!.heap),
    indexes: new Map(indexes.map(({ name, bytes }) => [name.replaceAll('"', ''), Number(bytes)])),
  };
}

/** The partitions of a table, or the table itself. */
function tablesOf(table: string): string {
  return `SELECT inhrelid AS relid FROM pg_inherits WHERE inhparent = 'ride.${table}'::regclass
    UNION ALL SELECT oid FROM pg_class WHERE oid = 'ride.${table}'::regclass AND relkind = 'r'`;
}
