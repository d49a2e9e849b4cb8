/** A ring of a polygon: longitudes and latitudes in turn, closed. Longitudes are continuous and may be beyond 180°. */
export type Ring = Float64Array;

const EDGES_PER_BAND = 8;
const MAX_BANDS = 1_024;

/** The edges of a polygon's rings in bands of latitude, so that a test visits only those near its latitude. */
export class PolygonEdges {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  private readonly bands: readonly Float64Array[];

  constructor(rings: readonly Ring[]) {
    const lngs = rings.flatMap((ring) => Array.from(ring).filter((_, at) => at % 2 === 0));
    const lats = rings.flatMap((ring) => Array.from(ring).filter((_, at) => at % 2 === 1));
    [this.west, this.east] = [lowest(lngs), highest(lngs)];
    [this.south, this.north] = [lowest(lats), highest(lats)];
    const count = Math.min(MAX_BANDS, Math.max(1, Math.floor(lats.length / EDGES_PER_BAND)));
    const bands: number[][] = Array.from({ length: count }, () => []);
    for (const ring of rings) {
      for (let at = 0; at + 3 < ring.length; at += 2) {
        const [x1, y1, x2, y2] = [ring[at]!, ring[at + 1]!, ring[at + 2]!, ring[at + 3]!];
        if (y1 === y2) continue;
        const [first, last] = [this.bandOf(Math.min(y1, y2), count), this.bandOf(Math.max(y1, y2), count)];
        for (let band = first; band <= last; band += 1) bands[band]!.push(x1, y1, x2, y2);
      }
    }
    this.bands = bands.map((edges) => Float64Array.from(edges));
  }

  /**
   * Whether a point is inside, by the even-odd rule: a hole is outside. A point on a border that two polygons share is in
   * exactly one of them.
   */
  contains(lng: number, lat: number): boolean {
    // The longitude of the turn in which the polygon is.
    const x = lng + 360 * Math.ceil((this.west - lng) / 360);
    if (x > this.east || lat < this.south || lat > this.north) return false;
    const edges = this.bands[this.bandOf(lat, this.bands.length)]!;
    let isInside = false;
    for (let at = 0; at < edges.length; at += 4) {
      const y1 = edges[at + 1]!;
      const y2 = edges[at + 3]!;
      if (y1 > lat === y2 > lat) continue;
      const x1 = edges[at]!;
      if (x < ((edges[at + 2]! - x1) * (lat - y1)) / (y2 - y1) + x1) isInside = !isInside;
    }
    return isInside;
  }

  private bandOf(lat: number, count: number): number {
    const height = this.north - this.south;
    return height === 0 ? 0 : Math.min(count - 1, Math.floor(((lat - this.south) / height) * count));
  }
}

function lowest(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}

function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}
