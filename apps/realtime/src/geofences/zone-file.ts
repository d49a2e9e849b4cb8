import { readFileSync } from 'node:fs';
import { zoneValidator, type ZoneFeature } from '@hailstream/events';
import { ConfigFileError } from '@hailstream/service/config';
import { MAX_VERTICES, MAX_ZONES, Zone, ZoneError } from './zone.js';

/** The zones file cannot be read, or is not valid. Each line of the message names one place. */
export class ZoneFileError extends ConfigFileError {
  override readonly name = 'ZoneFileError';
  readonly code = 'ZONE_FILE';
}

/** Maximum number of problems that a message lists. */
const MAX_PROBLEMS = 20;

/**
 * Reads the zones from a GeoJSON file: a FeatureCollection of polygons with an id and a name.
 *
 * @throws ZoneFileError if the file cannot be read or is not valid
 */
export function readZoneFile(path: string): readonly Zone[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ZoneFileError(`${path}: ${reason}`, { cause: error });
  }
  return parseZoneFile(text, path);
}

/** Parses the text of a zones file; `path` names it in messages. @throws ZoneFileError if it is not valid */
export function parseZoneFile(text: string, path: string): readonly Zone[] {
  const features = featuresOf(text, path);
  const problems: string[] = [];
  const zones = new Map<string, Zone>();
  for (const [index, feature] of features.entries()) {
    const place = `features[${index}]`;
    const parsed = parseZone(normalized(feature));
    if ('problems' in parsed) problems.push(...parsed.problems.map((problem) => `${place}${problem}`));
    else if (zones.has(parsed.zone.id))
      problems.push(`${place}.id: two zones have the id "${parsed.zone.id}"`);
    else zones.set(parsed.zone.id, parsed.zone);
  }
  const vertices = [...zones.values()].reduce((sum, zone) => sum + zone.vertices, 0);
  if (vertices > MAX_VERTICES)
    problems.push(`expected at most ${MAX_VERTICES} vertices in all zones, got ${vertices}`);
  if (problems.length === 0) return [...zones.values()];
  const more = problems.length > MAX_PROBLEMS ? [`and ${problems.length - MAX_PROBLEMS} more problems`] : [];
  const lines = [...problems.slice(0, MAX_PROBLEMS), ...more];
  throw new ZoneFileError(lines.map((line) => `${path}: ${line}`).join('\n'));
}

/** A zone of the file, or one that was drawn at a time; or what is wrong with it, each with the path of the field. */
export function parseZone(
  feature: unknown,
  drawnAt?: number,
): { readonly zone: Zone } | { readonly problems: readonly string[] } {
  const issues = zoneValidator.issues(feature);
  if (issues.length > 0) {
    return { problems: issues.map(({ field, rule }) => `${field === '' ? '' : `.${field}`}: ${rule}`) };
  }
  try {
    const zone = feature as ZoneFeature;
    return { zone: drawnAt === undefined ? new Zone(zone, 'file') : new Zone(zone, 'page', drawnAt) };
  } catch (error) {
    if (error instanceof ZoneError) return { problems: [`.geometry: ${error.message}`] };
    throw error;
  }
}

function featuresOf(text: string, path: string): readonly unknown[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new ZoneFileError(`${path}: not JSON: ${(error as Error).message}`, { cause: error });
  }
  const { type, features } = (content ?? {}) as { readonly type?: unknown; readonly features?: unknown };
  if (type !== 'FeatureCollection' || !Array.isArray(features)) {
    throw new ZoneFileError(`${path}: expected a GeoJSON FeatureCollection`);
  }
  if (features.length > MAX_ZONES) {
    throw new ZoneFileError(`${path}: expected at most ${MAX_ZONES} zones, got ${features.length}`);
  }
  return features as readonly unknown[];
}

/** Only the members that a zone has: editors add others. The id may be a property, too. */
function normalized(feature: unknown): unknown {
  if (typeof feature !== 'object' || feature === null) return feature;
  const { type, id, properties, geometry } = feature as Readonly<Record<string, unknown>>;
  const { id: propertyId, name } = (properties ?? {}) as Readonly<Record<string, unknown>>;
  const zoneId = id ?? propertyId;
  return {
    type,
    ...(zoneId !== undefined && { id: zoneId }),
    properties: name === undefined ? {} : { name },
    geometry:
      typeof geometry === 'object' && geometry !== null
        ? {
            type: (geometry as { readonly type?: unknown }).type,
            coordinates: (geometry as { readonly coordinates?: unknown }).coordinates,
          }
        : geometry,
  };
}
