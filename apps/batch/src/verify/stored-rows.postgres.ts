import type pg from 'pg';
import { uuidArrayBytes } from '../rows/copy-writer.js';
import type { Day } from '../rows/day.js';
import type { RowKey } from '../rows/row-keys.js';
import type { Table } from '../rows/tables.js';
import type { RowPlace } from './row-marks.js';

/** Rows that a scan reads at once. */
const FETCH_ROWS = 20_000;

/** A partition of a table. */
export interface TablePartition {
  readonly table: number;
  readonly name: string;
}

/** Rows whose receipt is known to be in an interval. */
export interface ReceivedWindow {
  /** Inclusive. */
  readonly fromMs: number;
  /** Exclusive; `undefined`: without an end. */
  readonly toMs: number | undefined;
  /** Whether rows without `received_at` belong to it. */
  readonly includesUnknown: boolean;
}

interface ScannedRow {
  readonly place: RowPlace;
  readonly day: Day;
}

export interface StoredRow {
  readonly id: string;
  readonly providerId: string;
  readonly time: string;
  readonly receivedAt: string | null;
}

/** The rows of one table in a snapshot: `client` has an open transaction with REPEATABLE READ. */
export class StoredRows {
  constructor(
    private readonly client: pg.ClientBase,
    private readonly table: Table,
  ) {}

  /** Returns the row of each key, with exactly its event time; `undefined` for keys without one. */
  async withKeys(keys: readonly RowKey[]): Promise<(RowPlace | undefined)[]> {
    const { name, idColumn, timeColumn } = this.table;
    const places: (RowPlace | undefined)[] = keys.map(() => undefined);
    if (keys.length === 0) return places;
    const { rows } = await this.client.query<LocatedRow>({
      // The event time selects the partition of each key.
      text: `SELECT place::integer, stored.tableoid, stored.ctid
        FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS keys (id, provider_id, time_ms, place),
          LATERAL (SELECT tableoid, ctid FROM ride.${name} AS stored
                   WHERE stored."${idColumn}" = keys.id AND stored.provider_id = keys.provider_id
                     AND stored."${timeColumn}" = 'epoch'::timestamptz + keys.time_ms * interval '1 millisecond'
                   LIMIT 1) AS stored`,
      values: [...idsOf(keys), keys.map(({ timeMs }) => timeMs)],
      rowMode: 'array',
    });
    for (const [place, table, ctid] of rows) places[place - 1] = toPlace(table, ctid);
    return places;
  }

  /** Returns the rows of each key with any event time: none, or one per time. */
  async withIds(keys: readonly RowKey[]): Promise<RowPlace[][]> {
    const { name, idColumn } = this.table;
    const places: RowPlace[][] = keys.map(() => []);
    if (keys.length === 0) return places;
    const { rows } = await this.client.query<LocatedRow>({
      // LIMIT makes the planner use the indexes; without, it may read all of the table instead.
      text: `SELECT place::integer, stored.tableoid, stored.ctid
        FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS keys (id, provider_id, place),
          LATERAL (SELECT tableoid, ctid FROM ride.${name} AS stored
                   WHERE stored."${idColumn}" = keys.id AND stored.provider_id = keys.provider_id
                   LIMIT 1000) AS stored`,
      values: idsOf(keys),
      rowMode: 'array',
    });
    for (const [place, table, ctid] of rows) places[place - 1]!.push(toPlace(table, ctid));
    return places;
  }

  async partitions(): Promise<TablePartition[]> {
    const { rows } = await this.client.query<TablePartition>(
      `SELECT relid::oid AS table, relid::regclass::text AS name
       FROM pg_partition_tree($1::regclass) WHERE isleaf ORDER BY name`,
      [`ride.${this.table.name}`],
    );
    return rows;
  }

  async count({ name }: TablePartition): Promise<number> {
    const { rows } = await this.client.query<{ count: string }>(`SELECT count(*) FROM ONLY ${name}`);
    return Number(rows[0]!.count);
  }

  /** Reads the rows of a partition that were received in a window. */
  async *scan({ table, name }: TablePartition, window: ReceivedWindow): AsyncGenerator<ScannedRow[]> {
    const { fromMs, toMs, includesUnknown } = window;
    const after = toMs === undefined ? '' : ` AND received_at < ${timeLiteral(toMs)}`;
    await this.client.query(
      `DECLARE verify_scan NO SCROLL CURSOR FOR
       SELECT ctid, floor(extract(epoch FROM "${this.table.timeColumn}") / 86400)::integer
       FROM ONLY ${name}
       WHERE received_at >= ${timeLiteral(fromMs)}${after}${includesUnknown ? ' OR received_at IS NULL' : ''}`,
    );
    for (;;) {
      const { rows } = await this.client.query<[ctid: string, day: Day]>({
        text: `FETCH ${FETCH_ROWS} FROM verify_scan`,
        rowMode: 'array',
      });
      yield rows.map(([ctid, day]) => ({ place: toPlace(table, ctid), day }));
      if (rows.length < FETCH_ROWS) break;
    }
    await this.client.query('CLOSE verify_scan');
  }

  /** Returns the ids and times of some rows of a partition. */
  async describe({ name }: TablePartition, places: readonly RowPlace[]): Promise<StoredRow[]> {
    const { rows } = await this.client.query<{
      id: string;
      provider_id: string;
      time: Date;
      received_at: Date | null;
    }>(
      `SELECT "${this.table.idColumn}" AS id, provider_id, "${this.table.timeColumn}" AS time, received_at
       FROM ONLY ${name} WHERE ctid = ANY($1::tid[]) ORDER BY ctid`,
      [places.map(({ page, row }) => `(${page},${row})`)],
    );
    return rows.map(({ id, provider_id: providerId, time, received_at: receivedAt }) => ({
      id,
      providerId,
      time: time.toISOString(),
      receivedAt: receivedAt?.toISOString() ?? null,
    }));
  }
}

type LocatedRow = [place: number, table: number, ctid: string];

/** `(page,row)` */
function toPlace(table: number, ctid: string): RowPlace {
  const comma = ctid.indexOf(',');
  return { table, page: Number(ctid.slice(1, comma)), row: Number(ctid.slice(comma + 1, -1)) };
}

function idsOf(keys: readonly RowKey[]): [Buffer, Buffer] {
  return [uuidArrayBytes(keys.map(({ id }) => id)), uuidArrayBytes(keys.map(({ providerId }) => providerId))];
}

function timeLiteral(timeMs: number): string {
  return `'${new Date(timeMs).toISOString()}'::timestamptz`;
}
