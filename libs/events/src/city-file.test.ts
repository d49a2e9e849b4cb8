import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCityFile } from './city-file.js';

const road = {
  type: 'Feature',
  properties: { highway: 'residential' },
  geometry: {
    type: 'LineString',
    coordinates: [
      [7.42, 43.73],
      [7.43, 43.74, 12],
    ],
  },
};
const city = {
  type: 'FeatureCollection',
  name: 'Monaco',
  bbox: [7.4, 43.7, 7.5, 43.8],
  attribution: '© OpenStreetMap contributors',
  features: [road],
};

describe(readCityFile, () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hailstream-city-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  const read = async (content: string) => {
    const path = join(folder, 'city.geojson');
    await writeFile(path, content);
    return readCityFile(path);
  };

  it('reads roads, with or without elevations', async () => {
    expect(await read(JSON.stringify(city))).toEqual(city);
  });

  it.each([
    ['text that is not JSON', '{', 'city.geojson: '],
    ['another document', '{"name":"x"}', 'the file must have required properties'],
    [
      'a city without a name',
      JSON.stringify({ ...city, name: '' }),
      'name must not have fewer than 1 characters',
    ],
    [
      'a longitude out of range',
      JSON.stringify({
        ...city,
        features: [
          {
            ...road,
            geometry: {
              ...road.geometry,
              coordinates: [
                [181, 0],
                [0, 0],
              ],
            },
          },
        ],
      }),
      'features.0.geometry.coordinates.0',
    ],
  ])('rejects %s in one line', async (_, content, reason) => {
    const error: unknown = await read(content).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'CityFileError',
      message: expect.stringContaining(reason) as string,
    });
    expect((error as Error).message).not.toContain('\n');
  });

  it('rejects a missing file', () => {
    expect(() => readCityFile(join(folder, 'missing.geojson'))).toThrow('ENOENT');
  });

  it('accepts areas and places in version 2, and no later version', async () => {
    const ring = [
      [7.4, 43.7],
      [7.5, 43.7],
      [7.5, 43.8],
      [7.4, 43.7],
    ];
    const area = {
      type: 'Feature',
      properties: { kind: 'water' },
      geometry: { type: 'Polygon', coordinates: [ring] },
    };
    const second = { ...city, version: 2, areas: [area], places: [] };
    expect(await read(JSON.stringify(second))).toEqual(second);
    const unknown = { ...second, areas: [{ ...area, properties: { kind: 'lava' } }] };
    await expect(read(JSON.stringify(unknown))).rejects.toThrow(/areas\.0\.properties\.kind/);
    await expect(read(JSON.stringify({ ...city, version: 3 }))).rejects.toThrow(/version/);
  });
});
