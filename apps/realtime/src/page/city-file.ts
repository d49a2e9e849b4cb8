import { readFileSync } from 'node:fs';
import type { City } from '@hailstream/events/live';
import { ConfigError } from '@hailstream/service/config';
import { Compile } from 'typebox/compile';
import Type from 'typebox';

const Position = Type.Array(Type.Number(), { minItems: 2, maxItems: 3 });

const CityFile = Type.Object({
  type: Type.Literal('FeatureCollection'),
  name: Type.String({ minLength: 1 }),
  bbox: Type.Array(Type.Number(), { minItems: 4, maxItems: 4 }),
  attribution: Type.String({ minLength: 1 }),
  features: Type.Array(
    Type.Object({
      type: Type.Literal('Feature'),
      properties: Type.Object({ highway: Type.String(), name: Type.Optional(Type.String()) }),
      geometry: Type.Object({
        type: Type.Literal('LineString'),
        coordinates: Type.Array(Position, { minItems: 2 }),
      }),
    }),
  ),
});

/**
 * Reads the city's roads, and keeps of them what a map needs.
 *
 * @throws ConfigError where the file can't be read or is no city
 */
export function loadCity(path: string, mapStyleUrl: string | null): City {
  const file = readCity(path);
  const [west = 0, south = 0, east = 0, north = 0] = file.bbox;
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
          coordinates: geometry.coordinates.map(([lng = 0, lat = 0]) => [lng, lat] as const),
        },
      })),
    },
  };
}

function readCity(path: string): Type.Static<typeof CityFile> {
  const expected = "the path of a city's roads in GeoJSON";
  const refuse = (reason: string, cause?: unknown): ConfigError =>
    Object.assign(
      new ConfigError([{ variable: 'CITY_FILE', expected, got: `${JSON.stringify(path)} (${reason})` }]),
      { cause },
    );
  let file: unknown;
  try {
    file = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw refuse((error as NodeJS.ErrnoException).code ?? 'not JSON', error);
  }
  const city = Compile(CityFile);
  if (city.Check(file)) return file;
  const [first] = city.Errors(file);
  throw refuse(`${first?.instancePath ?? ''} ${first?.message ?? 'something else'}`.trim());
}
