import { CityFileError, readCityFile, type CityFile } from '@hailstream/events/city-file';
import type { City } from '@hailstream/events/live';
import { ConfigError } from '@hailstream/service/config';

/**
 * Reads a city file, and reduces it to what the map needs.
 *
 * @throws ConfigError if the file cannot be read or is not a city
 */
export function loadCity(path: string, mapStyleUrl: string | null): City {
  const file = readCity(path);
  const [west, south, east, north] = file.bbox;
  return {
    name: file.name,
    bbox: { west, south, east, north },
    attribution: file.attribution,
    mapStyleUrl,
    roads: {
      type: 'FeatureCollection',
      features: file.features.map(({ properties: { highway, name }, geometry }) => ({
        type: 'Feature',
        properties: { highway, ...(name !== undefined && { name }) },
        geometry: {
          type: 'LineString',
          coordinates: geometry.coordinates.map(([lng, lat]) => [lng, lat] as const),
        },
      })),
    },
  };
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
