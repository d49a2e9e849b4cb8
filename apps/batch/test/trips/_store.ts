import { eventRegistry } from '@hailstream/events';
import type { LogRecord } from '@hailstream/log';
import pg from 'pg';
import { inTransaction } from '../../src/database/pool.postgres.js';
import { ErasedIds } from '../../src/erasure/erased-ids.postgres.js';
import { CopyWriter } from '../../src/rows/copy-writer.js';
import { encodeChunk } from '../../src/rows/encode-chunk.js';
import { tablesByTopic } from '../../src/rows/tables.js';
import { createPartition, missingDays } from '../../src/storage/partitions.postgres.js';
import { RowWriter } from '../../src/storage/row-writer.postgres.js';
import { SeenIds } from '../../src/storage/seen-ids.postgres.js';
import type { TestDatabase } from '../_util.js';
import type { FleetEvent } from './_fleet.js';

/** Loads events as a load does, one transaction for each chunk of a family. */
export async function loadEvents(
  pool: pg.Pool,
  events: readonly FleetEvent[],
  { chunkRecords }: { chunkRecords: number },
): Promise<void> {
  for (const { name, topic } of eventRegistry.families) {
    const ofFamily = events.filter(({ kind }) => kind === name);
    const table = tablesByTopic.get(topic.name)!;
    for (let start = 0; start < ofFamily.length; start += chunkRecords) {
      const records = ofFamily.slice(start, start + chunkRecords).map(({ event }, index): LogRecord => ({
        offset: BigInt(start + index),
        key: null,
        value: Buffer.from(JSON.stringify(event)),
        headers: {},
        timestampMs: Date.now(),
      }));
      const encoded = await encodeChunk(table, records, {
        writer: new CopyWriter(),
        nowMs: Date.now(),
        maxAgeDays: 30,
      });
      if (encoded.rejects.length > 0) throw new Error(encoded.rejects[0]!.reason);
      await inTransaction(pool, async (client) => {
        for (const day of await missingDays(client, table.name, encoded.days)) {
          await createPartition(client, table.name, { day, nowMs: Date.now() });
        }
        await new RowWriter(client, table, new SeenIds(table), new ErasedIds()).write(encoded.rows, 0n);
      });
    }
  }
}

/** A row of `ride.rebuilt_trips`, with times in milliseconds. */
export interface StoredTrip {
  readonly provider_id: string;
  readonly trip_id: string;
  readonly state: string;
  readonly device_id: string | null;
  readonly cancelled_by: string | null;
  readonly requested_at: Date | null;
  readonly assigned_at: Date | null;
  readonly picked_up_at: Date | null;
  readonly dropped_off_at: Date | null;
  readonly cancelled_at: Date | null;
  readonly distance_meters: number | null;
  readonly deadhead_meters: number | null;
  readonly points: number;
  readonly events: number;
  readonly updated_at: Date;
  readonly [column: string]: unknown;
}

export async function readRebuilt(database: TestDatabase): Promise<StoredTrip[]> {
  return database.query<StoredTrip>('SELECT * FROM ride.rebuilt_trips ORDER BY provider_id, trip_id');
}

/** Rows without the time of their last change. */
export function contents(rows: readonly StoredTrip[]): object[] {
  return rows.map(({ updated_at: _, ...row }) => row);
}

/** Deletes everything that was loaded and rebuilt. */
export async function clear(database: TestDatabase): Promise<void> {
  await database.query(
    `TRUNCATE ride.telemetry, ride.vehicle_events, ride.rider_events, ride.trips, ride.telemetry_seen, ride.vehicle_events_seen,
       ride.rider_events_seen, ride.trips_seen, ride.rebuilt_trips, ride.compared_trips, ride.trip_marks, ride.vehicle_marks,
       ride.comparison_marks`,
  );
}
