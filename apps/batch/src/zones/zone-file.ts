import { polygonToCells } from 'h3-js';

/** Resolution of `h3_cell` in all tables: about 0.1 km². */
const H3_RESOLUTION = 9;
/** Maximum number of zones in a file, and of cells of a zone: about 100,000 km². */
const MAX_ZONES = 10_000;
const MAX_CELLS = 1_000_000;

type Ring = readonly (readonly number[])[];
type Polygon = readonly Ring[];

/** A zone and the H3 cells whose centre is in it. */
export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly geometry: { readonly type: string; readonly coordinates: unknown };
  readonly cells: readonly string[];
}

/** A zones file is invalid. The message says what is wrong and what is expected. */
export class ZoneFileError extends Error {
  override readonly name = 'ZoneFileError';
}

/**
 * Reads the zones of a GeoJSON FeatureCollection of polygons, with longitude and latitude in degrees (WGS 84). The name of a
 * zone is the property `nameProperty` of its feature.
 *
 * @throws ZoneFileError if the text is not such a file
 */
export function readZones(text: string, nameProperty: string): Zone[] {
  const features = readFeatures(text);
  const zones = features.map((feature, index) => readZone(feature, `features[${index}]`, nameProperty));
  const byId = new Map<string, Zone>();
  for (const zone of zones) {
    const other = byId.get(zone.id);
    if (other !== undefined) {
      throw new ZoneFileError(
        `the zones "${other.name}" and "${zone.name}" have the same id ${zone.id}: expected distinct names`,
      );
    }
    byId.set(zone.id, zone);
  }
  return zones;
}

function readFeatures(text: string): unknown[] {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw new ZoneFileError(`not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isObject(file) || file['type'] !== 'FeatureCollection' || !Array.isArray(file['features'])) {
    throw new ZoneFileError('expected a GeoJSON FeatureCollection');
  }
  const features: unknown[] = file['features'];
  if (features.length === 0) throw new ZoneFileError('features: expected at least one');
  if (features.length > MAX_ZONES) {
    throw new ZoneFileError(`features: expected at most ${MAX_ZONES}, got ${features.length}`);
  }
  return features;
}

function readZone(feature: unknown, path: string, nameProperty: string): Zone {
  if (!isObject(feature) || feature['type'] !== 'Feature') {
    throw new ZoneFileError(`${path}: expected a Feature`);
  }
  const properties = isObject(feature['properties']) ? feature['properties'] : {};
  const name = properties[nameProperty];
  if (typeof name !== 'string' || toId(name) === '') {
    const names = Object.keys(properties).join(', ') || 'none';
    throw new ZoneFileError(
      `${path}.properties.${nameProperty}: expected the name of the zone, got ${shown(name)}. Properties of the feature: ${names}`,
    );
  }
  const geometry = readGeometry(feature['geometry'], `${path}.geometry (${name})`);
  const cells = new Set<string>();
  for (const polygon of geometry.polygons) {
    for (const cell of polygonToCells(polygon as number[][][], H3_RESOLUTION, true)) cells.add(cell);
    if (cells.size > MAX_CELLS)
      throw new ZoneFileError(`${path} (${name}): has more than ${MAX_CELLS} H3 cells`);
  }
  if (cells.size === 0) {
    throw new ZoneFileError(
      `${path} (${name}): contains the centre of no H3 cell at resolution ${H3_RESOLUTION}: expected a zone of at least 0.1 km²`,
    );
  }
  return { id: toId(name), name, geometry: geometry.stored, cells: [...cells] };
}

function readGeometry(
  geometry: unknown,
  path: string,
): { polygons: readonly Polygon[]; stored: Zone['geometry'] } {
  if (!isObject(geometry))
    throw new ZoneFileError(`${path}: expected a Polygon or MultiPolygon, got ${shown(geometry)}`);
  const { type, coordinates } = geometry as { type?: unknown; coordinates?: unknown };
  if (type !== 'Polygon' && type !== 'MultiPolygon') {
    throw new ZoneFileError(`${path}: expected a Polygon or MultiPolygon, got ${shown(type)}`);
  }
  const polygons: unknown = type === 'Polygon' ? [coordinates] : coordinates;
  if (!Array.isArray(polygons) || polygons.length === 0) {
    throw new ZoneFileError(`${path}.coordinates: expected at least one polygon`);
  }
  for (const polygon of polygons) requirePolygon(polygon, `${path}.coordinates`);
  return { polygons: polygons as Polygon[], stored: { type, coordinates } };
}

function requirePolygon(polygon: unknown, path: string): void {
  if (!Array.isArray(polygon) || polygon.length === 0) {
    throw new ZoneFileError(`${path}: expected a polygon with at least one ring`);
  }
  for (const ring of polygon) {
    if (!Array.isArray(ring) || ring.length < 4) {
      throw new ZoneFileError(`${path}: expected rings of at least 4 positions, the last equal to the first`);
    }
    for (const position of ring) requirePosition(position, path);
    const [first, last] = [ring[0], ring.at(-1)] as [number[], number[]];
    if (first[0] !== last[0] || first[1] !== last[1]) {
      throw new ZoneFileError(
        `${path}: a ring is not closed: expected the last position to be ${shown(first)}, got ${shown(last)}`,
      );
    }
  }
}

function requirePosition(position: unknown, path: string): void {
  if (Array.isArray(position)) {
    const [lng, lat] = position as unknown[];
    const isValid =
      typeof lng === 'number' && typeof lat === 'number' && Math.abs(lng) <= 180 && Math.abs(lat) <= 90;
    if (isValid) return;
  }
  throw new ZoneFileError(
    `${path}: expected positions [longitude, latitude] in degrees, got ${shown(position)}`,
  );
}

/** Returns a name in lower case, with a hyphen instead of everything that is not a letter or digit. */
function toId(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100);
}
