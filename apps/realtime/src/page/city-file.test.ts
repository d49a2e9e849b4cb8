import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@hailstream/service/config';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config.js';
import { loadCity } from './city-file.js';

const { cityFiles } = loadConfig({}).page;

describe('loadCity', () => {
  it('reads the default city', () => {
    const city = loadCity(cityFiles, null);
    expect(city).toMatchObject({ name: 'Monaco', mapStyleUrl: null });
    expect(city.attribution).toContain('OpenStreetMap');
    expect(city.bbox.west).toBeLessThan(city.bbox.east);
    expect(city.bbox.south).toBeLessThan(city.bbox.north);
    expect(city.roads.features.length).toBeGreaterThan(100);
  });

  it('has the sea, buildings and places of Monaco', () => {
    const { areas, places, waterExtents } = loadCity(cityFiles, null);
    const kinds = new Set(areas.features.map(({ properties }) => properties.kind));
    expect([...kinds].toSorted()).toEqual(['building', 'park', 'water']);
    expect(waterExtents).toHaveLength(1);
    expect(waterExtents[0]!.water.west).toBeLessThan(waterExtents[0]!.roads.west);
    expect(places.features.map(({ properties }) => properties.name)).toContain('Monte-Carlo');
  });

  it('joins several cities, also across the antimeridian', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hailstream-cities-'));
    try {
      const cityAt = async (name: string, bbox: number[]): Promise<string> => {
        const file = join(folder, `${name}.geojson`);
        const city = { type: 'FeatureCollection', name, bbox, attribution: 'someone', features: [] };
        await writeFile(file, JSON.stringify(city));
        return file;
      };
      const suva = await cityAt('Suva', [178.4, -18.2, 178.5, -18.1]);
      const apia = await cityAt('Apia', [-171.8, -13.9, -171.7, -13.8]);
      const city = loadCity([suva, apia], null);
      expect(city).toMatchObject({ name: 'Suva, Apia', attribution: 'someone' });
      expect(city.bbox).toEqual({ west: 178.4, south: -18.2, east: -171.7, north: -13.8 });
      expect(loadCity([apia, suva], null).bbox).toEqual(city.bbox);
      const monaco = loadCity([...cityFiles, await cityAt('Nice', [7.2, 43.6, 7.3, 43.7])], null);
      expect(monaco.bbox).toMatchObject({ west: 7.2, south: 43.6, east: 7.439278 });
      expect(monaco.roads.features.length).toBe(502);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('names the variable of a missing file', () => {
    expect(() => loadCity(['/nowhere/city.geojson'], null)).toThrow(ConfigError);
    expect(() => loadCity(['/nowhere/city.geojson'], null)).toThrow(/CITY_FILE.*ENOENT/);
  });

  it('names the problem of a file that is not a city', () => {
    const here = new URL('../../package.json', import.meta.url).pathname;
    expect(() => loadCity([here], null)).toThrow(/CITY_FILE.*required/);
  });
});
