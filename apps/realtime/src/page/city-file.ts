import { CityFileError, readCityFile, type CityFile } from '@hailstream/events/city-file';
import type { City } from '@hailstream/events/live';
import { ConfigError } from '@hailstream/service/config';
import { waterExtentsOf } from './water-extents.js';

/** A position without an elevation. */
type LngLat = readonly [lng: number, lat: number];

/**
 * Reads the city files, and reduces them to what the map needs: one map of all cities.
 *
 * @throws ConfigError if a file cannot be read or is not a city
 */
export function loadCity(paths: readonly string[], mapStyleUrl: string | null): City {
  const files = paths.map((path) => readCity(path));
  const [west, south, east, north] = files.map(({ bbox }) => bbox).reduce(joinBoxes);
  return {
    name: files.map(({ name }) => name).join(', '),
    bbox: { west, south, east, north },
    attribution: [...new Set(files.map(({ attribution }) => attribution))].join('; '),
    mapStyleUrl,
    waterExtents: waterExtentsOf(files),
    roads: collection(
      files.flatMap(({ features }) =>
        features.map(({ properties: { highway, name }, geometry: { coordinates } }) => ({
          properties: { highway, ...(name !== undefined && { name }) },
          geometry: { type: 'LineString' as const, coordinates: coordinates.map(lngLat) },
        })),
      ),
    ),
    areas: collection(
      files.flatMap(({ areas = [] }) =>
        areas.map(({ properties: { kind }, geometry: { coordinates } }) => ({
          properties: { kind },
          geometry: { type: 'Polygon' as const, coordinates: coordinates.map((ring) => ring.map(lngLat)) },
        })),
      ),
    ),
    places: collection(
      files.flatMap(({ places = [] }) =>
        places.map(({ properties: { place, name }, geometry: { coordinates } }) => ({
          properties: { place, name },
          geometry: { type: 'Point' as const, coordinates: lngLat(coordinates) },
        })),
      ),
    ),
  };
}

function collection<Properties, Geometry>(features: { properties: Properties; geometry: Geometry }[]) {
  return {
    type: 'FeatureCollection' as const,
    features: features.map((feature) => ({ type: 'Feature' as const, ...feature })),
  };
}

function lngLat([lng, lat]: readonly [number, number, ...number[]]): LngLat {
  return [lng, lat];
}

type Box = CityFile['bbox'];

/** The smaller one of the boxes that contain both: eastwards from the west edge of one or of the other. */
function joinBoxes(one: Box, other: Box): Box {
  const south = Math.min(one[1], other[1]);
  const north = Math.max(one[3], other[3]);
  const [west, east, width] = [one, other]
    .map(([from]) => {
      const ends = [one, other].map(
        (box) => [box[2], eastwards(from, box[0]) + eastwards(box[0], box[2])] as const,
      );
      const [end, distance] = ends.reduce((most, each) => (each[1] > most[1] ? each : most));
      return [from, end, distance] as const;
    })
    .reduce((least, each) => (each[2] < least[2] ? each : least));
  // Both cities together may reach around the world.
  return width >= 360 ? [-180, south, 180, north] : [west, south, east, north];
}

/** Degrees from one longitude eastwards to another. */
function eastwards(from: number, to: number): number {
  return (((to - from) % 360) + 360) % 360;
}

function readCity(path: string): CityFile {
  try {
    return readCityFile(path);
  } catch (error) {
    if (!(error instanceof CityFileError)) throw error;
    const issue = { variable: 'CITY_FILE', expected: 'a city file in GeoJSON', got: error.message };
    throw Object.assign(new ConfigError([issue]), { cause: error });
  }
}
