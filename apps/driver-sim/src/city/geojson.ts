import { OsmError, type OsmElements } from './osm-elements.js';

/** Keys of OpenStreetMap that mark a line as something other than a road. */
const OTHER_LINES = ['railway', 'waterway', 'boundary', 'natural', 'power', 'barrier', 'aeroway', 'man_made'];

interface Feature {
  readonly properties?: Readonly<Record<string, unknown>> | null;
  readonly geometry?: { readonly type?: unknown; readonly coordinates?: unknown } | null;
}

/**
 * Reads GeoJSON as if it was an extract: properties are tags, and coordinates that several features share are one node. A line
 * without `highway` is a road of unknown class, unless a property marks it as something else. Returns the attribution if the
 * file has one.
 *
 * @throws OsmError if the text is not GeoJSON
 */
export function readGeoJson(text: string, elements: OsmElements): string | undefined {
  const { features, attribution } = parse(text);
  const reader = new FeatureReader(elements);
  for (const feature of features) reader.read(feature);
  return typeof attribution === 'string' && attribution !== '' ? attribution : undefined;
}

function parse(text: string): { features: readonly Feature[]; attribution?: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new OsmError(`the file is not JSON (${(error as Error).message})`, { cause: error });
  }
  const found = value as { type?: unknown; features?: unknown; attribution?: unknown } | null;
  if (found?.type !== 'FeatureCollection' || !Array.isArray(found.features)) {
    throw new OsmError('the JSON is not a FeatureCollection of GeoJSON');
  }
  return { features: found.features as Feature[], attribution: found.attribution };
}

class FeatureReader {
  private readonly nodes = new Map<string, number>();
  private ways = 0;

  constructor(private readonly elements: OsmElements) {}

  read({ properties, geometry }: Feature): void {
    const tags = new Map(
      Object.entries(properties ?? {})
        .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
        .map(([key, value]) => [key, String(value)]),
    );
    const { coordinates } = geometry ?? {};
    switch (geometry?.type) {
      case 'Point':
        if (isPosition(coordinates)) this.elements.place(coordinates[0], coordinates[1], tags);
        return;
      case 'LineString':
        this.line(coordinates, tags);
        return;
      case 'MultiLineString':
        for (const line of lists(coordinates)) this.line(line, tags);
        return;
      case 'Polygon':
        this.polygon(coordinates, tags);
        return;
      case 'MultiPolygon':
        for (const polygon of lists(coordinates)) this.polygon(polygon, tags);
        return;
      default:
    }
  }

  private line(coordinates: unknown, tags: ReadonlyMap<string, string>): void {
    const isOther = OTHER_LINES.some((key) => tags.has(key));
    const all = tags.has('highway') || isOther ? tags : new Map([...tags, ['highway', 'road']]);
    this.elements.way((this.ways += 1), this.refs(coordinates), all);
  }

  private polygon(coordinates: unknown, tags: ReadonlyMap<string, string>): void {
    const members = lists(coordinates).map((ring, index) => {
      const way = (this.ways += 1);
      this.elements.way(way, this.refs(ring), new Map());
      return { way, role: index === 0 ? 'outer' : 'inner' };
    });
    this.elements.relation(members, new Map([...tags, ['type', 'multipolygon']]));
  }

  private refs(coordinates: unknown): number[] {
    return lists(coordinates).flatMap((position) => {
      if (!isPosition(position)) return [];
      const key = `${position[0]},${position[1]}`;
      const known = this.nodes.get(key);
      if (known !== undefined) return known;
      const id = this.nodes.size + 1;
      this.nodes.set(key, id);
      this.elements.node(id, position[0], position[1]);
      return id;
    });
  }
}

function lists(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isPosition(value: unknown): value is readonly [lng: number, lat: number] {
  if (!Array.isArray(value)) return false;
  const [lng, lat] = value as unknown[];
  return typeof lng === 'number' && typeof lat === 'number' && Math.abs(lng) <= 180 && Math.abs(lat) <= 90;
}
