import type { Viewport } from '@hailstream/events/live';
import type { ZoneSummary } from '@hailstream/events/zones';

/** The rings of each polygon of a zone. */
export function polygonsOf(geometry: ZoneSummary['geometry']): readonly (readonly (readonly number[])[])[][] {
  return geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
}

/** The area that contains a zone. Its longitudes are continuous, as those of a map. */
export function boundsOfZone(geometry: ZoneSummary['geometry']): Viewport {
  const corners = polygonsOf(geometry).flatMap(([border = []]) => border);
  const first = corners[0]?.[0] ?? 0;
  const lngs = corners.map(([lng = 0]) => lng + 360 * Math.round((first - lng) / 360));
  const lats = corners.map(([, lat = 0]) => lat);
  return {
    west: Math.min(...lngs),
    south: Math.min(...lats),
    east: Math.max(...lngs),
    north: Math.max(...lats),
  };
}
