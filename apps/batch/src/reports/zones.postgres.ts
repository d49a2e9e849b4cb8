import type pg from 'pg';
import { ringsOf } from './outlines.js';
import { withSimplifiedOutlines, type ReportArea } from './zones.js';

/** The zones that were loaded into the database, in the order of their names; none if its schema has no zones. */
export async function loadedZones(client: pg.ClientBase): Promise<ReportArea[]> {
  const known = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('ride.zone_cells') IS NOT NULL AS exists`,
  );
  if (!known.rows[0]!.exists) return [];
  const { rows } = await client.query<
    Omit<ReportArea, 'rings'> & { readonly geometry: Parameters<typeof ringsOf>[0] }
  >(
    `SELECT zone_id AS id, name, geometry, array_agg(to_hex(h3_cell)) AS cells
     FROM ride.zones JOIN ride.zone_cells USING (zone_id) GROUP BY zone_id ORDER BY name, zone_id`,
  );
  return withSimplifiedOutlines(rows.map(({ geometry, ...zone }) => ({ ...zone, rings: ringsOf(geometry) })));
}
