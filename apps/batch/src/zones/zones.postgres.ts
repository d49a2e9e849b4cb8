import { inTransaction, type Pool } from '../database/pool.postgres.js';
import type { Zone } from './zone-file.js';

/** Replaces all zones, in one transaction. */
export async function storeZones(pool: Pool, zones: readonly Zone[]): Promise<void> {
  await inTransaction(pool, async (client) => {
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
  });
}
