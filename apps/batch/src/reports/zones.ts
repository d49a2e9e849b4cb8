import { zoneValidator, type ZoneFeature } from '@hailstream/events';
import type { MapRing } from '@hailstream/events/reports';
import { polygonToCells } from 'h3-js';
import { ringsOf, simplified } from './outlines.js';
import { ReportError } from './period.js';

/** Resolution of the cells in the tables. */
const H3_RESOLUTION = 9;
const MAX_ZONES = 1_000;
/** Cells of all zones of a file, about 200,000 km². */
const MAX_CELLS = 2_000_000;

/** A zone as the H3 cells whose centres it contains. */
export interface ReportArea {
  readonly id: string;
  readonly name: string;
  readonly cells: readonly string[];
  /** Its outline, for maps. */
  readonly rings: readonly MapRing[];
}

/**
 * The zones of a GeoJSON file: a FeatureCollection of polygons, each with an id and a name.
 *
 * @throws ReportError if it is not valid
 */
export function parseZones(text: string, path: string): ReportArea[] {
  const areas = featuresOf(text, path).map((feature, index): ReportArea => {
    const zone = normalized(feature, index);
    const [issue] = zoneValidator.issues(zone);
    if (issue !== undefined) throw invalid(`${path}: features[${index}].${issue.field}: ${issue.rule}`);
    const { id, properties, geometry } = zone as ZoneFeature;
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
    const cells = polygons.flatMap((polygon) => polygonToCells(polygon, H3_RESOLUTION, true));
    return { id, name: properties.name, cells: [...new Set(cells)], rings: ringsOf(geometry) };
  });
  const count = areas.reduce((sum, { cells }) => sum + cells.length, 0);
  if (count > MAX_CELLS)
    throw invalid(`${path}: expected zones of at most ${MAX_CELLS} H3 cells, got ${count}`);
  return withSimplifiedOutlines(areas);
}

export function withSimplifiedOutlines(areas: readonly ReportArea[]): ReportArea[] {
  const outlines = simplified(areas.map(({ rings }) => rings));
  return areas.map((area, index) => ({ ...area, rings: outlines[index]! }));
}

/** The zone with an id or a name, ignoring case. @throws ReportError if it is not found */
export function findZone(areas: readonly ReportArea[], given: string): ReportArea {
  const wanted = given.toLowerCase();
  const found =
    areas.find(({ id }) => id.toLowerCase() === wanted) ??
    areas.find(({ name }) => name.toLowerCase() === wanted);
  if (found !== undefined) return found;
  const known = areas.length === 0 ? 'no zones are known' : `expected one of ${namesOf(areas)}`;
  throw new ReportError('zone', `${known}, got "${given}"`);
}

const LISTED_NAMES = 60;

function namesOf(areas: readonly ReportArea[]): string {
  const names = areas.map(({ name }) => name).sort();
  const more = names.length > LISTED_NAMES ? ` and ${names.length - LISTED_NAMES} more` : '';
  return `${names.slice(0, LISTED_NAMES).join(', ')}${more}`;
}

function featuresOf(text: string, path: string): readonly unknown[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw invalid(`${path}: not JSON: ${(error as Error).message}`, { cause: error });
  }
  const { type, features } = (content ?? {}) as { readonly type?: unknown; readonly features?: unknown };
  if (type !== 'FeatureCollection' || !Array.isArray(features))
    throw invalid(`${path}: expected a GeoJSON FeatureCollection`);
  if (features.length > MAX_ZONES)
    throw invalid(`${path}: expected at most ${MAX_ZONES} zones, got ${features.length}`);
  return features as readonly unknown[];
}

/** Only what a zone has: files of cities have other properties, and often no id. */
function normalized(feature: unknown, index: number): unknown {
  const { type, id, properties, geometry } = (feature ?? {}) as Readonly<Record<string, unknown>>;
  const { id: propertyId, name } = (properties ?? {}) as Readonly<Record<string, unknown>>;
  const zoneId = id ?? propertyId ?? `zone-${index}`;
  return {
    type,
    id: typeof zoneId === 'string' || typeof zoneId === 'number' ? String(zoneId).toLowerCase() : zoneId,
    properties: { name },
    geometry,
  };
}

function invalid(message: string, options?: ErrorOptions): ReportError {
  return new ReportError('zones', message, options);
}
