import { latLngToCell } from 'h3-js';
import { describe, expect, it } from 'vitest';
import { findZone, parseZones } from './zones.js';

const square = (west: number, south: number, sizeDegrees: number) => [
  [
    [west, south],
    [west + sizeDegrees, south],
    [west + sizeDegrees, south + sizeDegrees],
    [west, south + sizeDegrees],
    [west, south],
  ],
];

function fileOf(...features: object[]): string {
  return JSON.stringify({ type: 'FeatureCollection', features });
}

const port = {
  type: 'Feature',
  properties: { name: 'Port', population: 3 },
  geometry: { type: 'Polygon', coordinates: square(7.4, 43.7, 0.05) },
};

describe(parseZones, () => {
  it('has the cells whose centres are inside, of files without ids', () => {
    const [zone] = parseZones(fileOf(port), 'zones.geojson');
    expect(zone).toMatchObject({ id: 'zone-0', name: 'Port' });
    expect(zone!.cells).toContain(latLngToCell(43.72, 7.42, 9));
    expect(zone!.cells).not.toContain(latLngToCell(43.76, 7.42, 9));
    expect(zone!.rings).toEqual([square(7.4, 43.7, 0.05)[0]!.flat()]);
    // 5.56 km by 4.02 km, and 0.1 km² each.
    expect(zone!.cells.length).toBeGreaterThan(180);
    expect(zone!.cells.length).toBeLessThan(260);
  });

  it('has both parts of a zone', () => {
    const coordinates = [square(7.4, 43.7, 0.02), square(8.4, 43.7, 0.02)];
    const islands = { ...port, id: 'Islands', geometry: { type: 'MultiPolygon', coordinates } };
    const [zone] = parseZones(fileOf(islands), 'zones.geojson');
    expect(zone!.id).toBe('islands');
    expect(zone!.cells).toContain(latLngToCell(43.71, 8.41, 9));
  });

  it.each([
    ['{', 'zones.geojson: not JSON'],
    ['{}', 'zones.geojson: expected a GeoJSON FeatureCollection'],
    [fileOf({ ...port, properties: {} }), 'features[0]'],
    [fileOf({ ...port, geometry: { type: 'Point', coordinates: [1, 2] } }), 'features[0].geometry'],
  ])('refuses %s', (text, message) => {
    expect(() => parseZones(text, 'zones.geojson')).toThrow(message);
  });
});

describe(findZone, () => {
  it('finds a zone by its id or name, and lists the names of all zones if it is not found', () => {
    const zones = parseZones(fileOf(port), 'zones.geojson');
    expect(findZone(zones, 'PORT')).toBe(zones[0]);
    expect(findZone(zones, 'zone-0')).toBe(zones[0]);
    expect(() => findZone(zones, 'Beach')).toThrow('expected one of Port, got "Beach"');
    expect(() => findZone([], 'Beach')).toThrow('no zones are known, got "Beach"');
  });
});
