import { ConfigError } from '@hailstream/service/config';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config.js';
import { loadCity } from './city-file.js';

const { cityFile } = loadConfig({}).page;

describe('loadCity', () => {
  it('reads the city that is the default, with what a map needs', () => {
    const city = loadCity(cityFile, null);
    expect(city).toMatchObject({ name: 'Monaco', mapStyleUrl: null });
    expect(city.attribution).toContain('OpenStreetMap');
    expect(city.bbox.west).toBeLessThan(city.bbox.east);
    expect(city.bbox.south).toBeLessThan(city.bbox.north);
    expect(city.roads.features.length).toBeGreaterThan(100);
  });

  it('says which variable names a file that is not there', () => {
    expect(() => loadCity('/nowhere/city.geojson', null)).toThrow(ConfigError);
    expect(() => loadCity('/nowhere/city.geojson', null)).toThrow(/CITY_FILE.*ENOENT/);
  });

  it('says what is wrong with a file that is no city', () => {
    const here = new URL('../../package.json', import.meta.url).pathname;
    expect(() => loadCity(here, null)).toThrow(/CITY_FILE.*required/);
  });
});
