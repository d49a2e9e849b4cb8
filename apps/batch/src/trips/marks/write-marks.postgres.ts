import type pg from 'pg';
import { timeFromMs } from '../../database/milliseconds.js';
import type { EncodedRows } from '../../rows/encode-chunk.js';
import type { Table } from '../../rows/tables.js';
import { markReports } from '../comparison/mark-comparisons.postgres.js';
import { collectMarks, type Mark } from './collect-marks.js';

/**
 * Marks what is rebuilt or compared because of rows that were written in the current transaction. The number of marks is at most that of
 * the rows and of the trips that they name. Marks are only ever inserted here, so that loads do not wait for each other.
 */
export async function writeMarks(
  client: pg.ClientBase,
  table: Pick<Table, 'name' | 'subject'>,
  { rows, written }: { readonly rows: EncodedRows; readonly written: readonly number[] },
): Promise<void> {
  await markReports(client, table.name, { rows, written });
  if (table.subject === null || written.length === 0) return;
  const { trips, vehicles } = collectMarks(rows, written);
  if (vehicles.length > 0) {
    await client.query(
      `INSERT INTO ride.vehicle_marks (provider_id, device_id, source, from_time, to_time)
       SELECT provider_id, device_id, $5, ${timeFromMs('from_ms')}, ${timeFromMs('to_ms')}
       FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) AS marks (provider_id, device_id, from_ms, to_ms)`,
      [...parametersOf(vehicles), table.name],
    );
  }
  if (trips.length > 0) {
    await client.query(
      `INSERT INTO ride.trip_marks (provider_id, trip_id, device_id, from_time, to_time)
       SELECT provider_id, trip_id, device_id, ${timeFromMs('from_ms')}, ${timeFromMs('to_ms')}
       FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[])
         AS marks (provider_id, device_id, from_ms, to_ms, trip_id)`,
      [...parametersOf(trips), trips.map(({ tripId }) => tripId)],
    );
  }
}

function parametersOf(marks: readonly Mark[]): unknown[] {
  return [
    marks.map(({ providerId }) => providerId),
    marks.map(({ deviceId }) => deviceId),
    marks.map(({ fromMs }) => fromMs),
    marks.map(({ toMs }) => toMs),
  ];
}
