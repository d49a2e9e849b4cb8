import type { City, Viewport } from '@hailstream/events/live';

type LngLat = [lng: number, lat: number];

/** So many that the steps between their colours cannot be seen. */
const RINGS = 32;
const RING_POINTS = 72;
/** The rings start no further out than this share of the way to the edge. */
const LATEST_START = 0.8;

/**
 * Elliptical rings between the roads of a city and the end of its water, with an opacity from 0 to 1. Drawn in the colour of the
 * land above the water, they hide that its data ends in a straight line.
 */
export function fadeRings(
  extents: City['waterExtents'],
): GeoJSON.FeatureCollection<GeoJSON.Polygon, { opacity: number }> {
  return { type: 'FeatureCollection', features: extents.flatMap(ringsOf) };
}

function ringsOf({ water, roads }: City['waterExtents'][number]): ReturnType<typeof fadeRings>['features'] {
  const start = Math.min(LATEST_START, shareAround(roads, water));
  const shareAt = (ring: number): number => start + ((1 - start) * ring) / RINGS;
  const rings = Array.from({ length: RINGS }, (_, ring) => ({
    opacity: eased((ring + 0.5) / RINGS),
    coordinates: [ellipse(water, shareAt(ring + 1)), ellipse(water, shareAt(ring)).toReversed()],
  }));
  const corners = { opacity: 1, coordinates: [around(water), ellipse(water, 1).toReversed()] };
  return [...rings, corners].map(({ opacity, coordinates }) => ({
    type: 'Feature',
    properties: { opacity },
    geometry: { type: 'Polygon', coordinates },
  }));
}

function eased(share: number): number {
  return share * share * (3 - 2 * share);
}

function middleOf({ west, south, east, north }: Viewport) {
  return {
    lng: (west + east) / 2,
    lat: (south + north) / 2,
    across: (east - west) / 2,
    up: (north - south) / 2,
  };
}

/** The size of the ellipse around a box, as a share of the one that touches the edges of the outer box. */
function shareAround({ west, south, east, north }: Viewport, outer: Viewport): number {
  const { lng, lat, across, up } = middleOf(outer);
  const shares = [west, east].flatMap((x) =>
    [south, north].map((y) => Math.hypot((x - lng) / across, (y - lat) / up)),
  );
  return Math.max(...shares);
}

function ellipse(box: Viewport, share: number): LngLat[] {
  const { lng, lat, across, up } = middleOf(box);
  const points = Array.from({ length: RING_POINTS }, (_, index): LngLat => {
    const angle = (2 * Math.PI * index) / RING_POINTS;
    return [lng + across * share * Math.cos(angle), lat + up * share * Math.sin(angle)];
  });
  return [...points, points[0]!];
}

/** A box that is a little larger, so that no edge of the water is left. */
function around(box: Viewport): LngLat[] {
  const { lng, lat, across, up } = middleOf(box);
  const [x, y] = [across * 1.02, up * 1.02];
  return [
    [lng - x, lat - y],
    [lng + x, lat - y],
    [lng + x, lat + y],
    [lng - x, lat + y],
    [lng - x, lat - y],
  ];
}
