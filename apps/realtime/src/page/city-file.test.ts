import { ConfigError } from '@hailstream/service/config';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config.js';
import { loadCity } from './city-file.js';

const { cityFile } = loadConfig({}).page;

describe('loadCity', () => {
  it('reads the default city', () => {
    const city = loadCity(cityFile, null);
    expect(city).toMatchObject({ name: 'Monaco', mapStyleUrl: null });
    expect(city.attribution).toContain('OpenStreetMap');
    expect(city.bbox.west).toBeLessThan(city.bbox.east);
    expect(city.bbox.south).toBeLessThan(city.bbox.north);
    expect(city.roads.features.length).toBeGreaterThan(100);
  });

  it('names the variable of a missing file', () => {
    expect(() => loadCity('/nowhere/city.geojson', null)).toThrow(ConfigError);
    expect(() => loadCity('/nowhere/city.geojson', null)).toThrow(/CITY_FILE.*ENOENT/);
  });

  it('names the problem of a file that is not a city', () => {
    const here = new URL('../../package.json', import.meta.url).pathname;
    expect(() => loadCity(here, null)).toThrow(/CITY_FILE.*required/);
  });
});
