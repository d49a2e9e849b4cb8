import { beginRefresh } from '../aggregates/refresh-aggregates.postgres.js';
import { replaceZoneHours } from '../aggregates/zone-hours.postgres.js';
import { replaceZoneQuarters } from '../aggregates/zone-quarters.postgres.js';
import { inTransaction, type Pool } from '../database/pool.postgres.js';
import type { Zone } from './zone-file.js';

/** Replaces all zones, and calculates the aggregates by zone for all times, in one transaction. */
export async function storeZones(pool: Pool, zones: readonly Zone[]): Promise<void> {
  await inTransaction(pool, async (client) => {
    // A refresh would calculate with the zones of before.
    await beginRefresh(client);
    // Concurrent calls wait for each other.
    await client.query('LOCK TABLE ride.zones IN SHARE ROW EXCLUSIVE MODE');
    await client.query('DELETE FROM ride.zones');
    for (const { id, name, geometry, cells } of zones) {
      await client.query('INSERT INTO ride.zones (zone_id, name, geometry) VALUES ($1, $2, $3)', [
        id,
        name,
        JSON.stringify(geometry),
      ]);
      await client.query(
        `INSERT INTO ride.zone_cells (h3_cell, zone_id)
         SELECT ('x' || lpad(cell, 16, '0'))::bit(64)::bigint, $1 FROM unnest($2::text[]) AS cell`,
        [id, cells],
      );
    }
    await replaceZoneQuarters(client);
    await replaceZoneHours(client);
  });
}
