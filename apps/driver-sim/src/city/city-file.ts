import { readFileSync } from 'node:fs';
import Type from 'typebox';
import { Compile } from 'typebox/compile';

/** Degrees, in the order GeoJSON has them. */
const Coordinate = Type.Tuple([
  Type.Number({ minimum: -180, maximum: 180 }),
  Type.Number({ minimum: -90, maximum: 90 }),
]);

/** A drivable road: tags as in OpenStreetMap. Roads meet where they share a coordinate. */
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

/** A city: its drivable roads as GeoJSON, with its name, its extent and whom to name for the data. */
export const CityFile = Type.Object({
  type: Type.Literal('FeatureCollection'),
  name: Type.String(),
  bbox: Type.Tuple([Type.Number(), Type.Number(), Type.Number(), Type.Number()]),
  attribution: Type.String(),
  features: Type.Array(Road, { minItems: 1 }),
});
export type CityFile = Type.Static<typeof CityFile>;

const compiled = Compile(CityFile);

/** Why a file is no city: one line. */
export class CityFileError extends Error {
  override readonly name = 'CityFileError';
  readonly code = 'CITY_FILE';
  readonly retryable = false;
}

/** @throws {CityFileError} */
export function readCityFile(path: string): CityFile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CityFileError(`${path}: ${(error as Error).message}`, { cause: error });
  }
  if (compiled.Check(value)) return value;
  const [first] = compiled.Errors(value);
  const place = first?.instancePath.slice(1).replaceAll('/', '.') ?? '';
  throw new CityFileError(`${path}: ${place === '' ? 'it' : place} ${first?.message ?? 'is not a city'}`);
}

/** A city as text, a road a line. */
export function formatCity(city: CityFile): string {
  const { features, ...about } = city;
  const head = JSON.stringify(about).slice(0, -1);
  return `${head},"features":[\n${features.map((road) => JSON.stringify(road)).join(',\n')}\n]}\n`;
}
