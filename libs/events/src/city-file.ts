import { readFileSync } from 'node:fs';
import Type from 'typebox';
import { Compile } from 'typebox/schema';

/** Degrees in the order of GeoJSON, and optionally an elevation in metres. */
const [Longitude, Latitude] = [
  Type.Number({ minimum: -180, maximum: 180 }),
  Type.Number({ minimum: -90, maximum: 90 }),
];
const Coordinate = Type.Union([
  Type.Tuple([Longitude, Latitude]),
  Type.Tuple([Longitude, Latitude, Type.Number()]),
]);

/** A drivable road with the tags of OpenStreetMap. Roads that share a coordinate are connected there. */
const Road = Type.Object({
  type: Type.Literal('Feature'),
  properties: Type.Object({
    highway: Type.String(),
    name: Type.Optional(Type.String()),
    oneway: Type.Optional(Type.String()),
    maxspeed: Type.Optional(Type.String()),
  }),
  geometry: Type.Object({
    type: Type.Literal('LineString'),
    coordinates: Type.Array(Coordinate, { minItems: 2 }),
  }),
});
export type Road = Type.Static<typeof Road>;

/** An area that the map draws. The first ring is its border, the others are holes. */
const MapArea = Type.Object({
  type: Type.Literal('Feature'),
  properties: Type.Object({
    kind: Type.Enum(['water', 'park', 'building']),
    name: Type.Optional(Type.String()),
  }),
  geometry: Type.Object({
    type: Type.Literal('Polygon'),
    coordinates: Type.Array(Type.Array(Coordinate, { minItems: 4 }), { minItems: 1 }),
  }),
});
export type MapArea = Type.Static<typeof MapArea>;

/** A named part of the city, with OpenStreetMap's class of places. */
const MapPlace = Type.Object({
  type: Type.Literal('Feature'),
  properties: Type.Object({ kind: Type.Literal('place'), place: Type.String(), name: Type.String() }),
  geometry: Type.Object({ type: Type.Literal('Point'), coordinates: Coordinate }),
});
export type MapPlace = Type.Static<typeof MapPlace>;

/**
 * A city in GeoJSON: its drivable roads, name, bounding box (west, south, east, north) and the attribution of the data. The
 * simulator drives on the roads, and the dashboard draws them. A file of version 2 can also have what is drawn below the
 * roads; a file without `version` has roads only.
 */
export const CityFile = Type.Object({
  type: Type.Literal('FeatureCollection'),
  version: Type.Optional(Type.Literal(2)),
  name: Type.String({ minLength: 1 }),
  bbox: Type.Tuple([Type.Number(), Type.Number(), Type.Number(), Type.Number()]),
  attribution: Type.String({ minLength: 1 }),
  areas: Type.Optional(Type.Array(MapArea)),
  places: Type.Optional(Type.Array(MapPlace)),
  features: Type.Array(Road),
});
export type CityFile = Type.Static<typeof CityFile>;

const compiled = Compile(CityFile);

/** A file is not a city file. The message is one line. */
export class CityFileError extends Error {
  override readonly name = 'CityFileError';
  readonly code = 'CITY_FILE';
  readonly retryable = false;
}

/** @throws CityFileError if the file cannot be read, or does not match {@link CityFile} */
export function readCityFile(path: string): CityFile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CityFileError(`${path}: ${(error as Error).message}`, { cause: error });
  }
  if (compiled.Check(value)) return value;
  const [, [first]] = compiled.Errors(value);
  const field = first?.instancePath.slice(1).replaceAll('/', '.') ?? '';
  throw new CityFileError(
    `${path}: ${field === '' ? 'the file' : field} ${first?.message ?? 'is not a city'}`,
  );
}
