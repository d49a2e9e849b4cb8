import { readFile } from 'node:fs/promises';
import { cellToLatLng, latLngToCell, polygonToCells } from 'h3-js';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseZones } from '../src/reports/zones.js';
import { readZones, type Zone } from '../src/zones/zone-file.js';

const FILE = new URL('../../../docs/examples/san-francisco-neighborhoods.geojson', import.meta.url);
const H3_RESOLUTION = 9;

/** Places that everybody can look up: latitude and longitude. */
const PLACES: readonly (readonly [name: string, at: readonly [number, number], neighborhood: string])[] = [
  ['Ferry Building', [37.7955, -122.3937], 'Financial District'],
  ['Portsmouth Square', [37.7948, -122.4052], 'Chinatown'],
  ['Coit Tower', [37.8024, -122.4058], 'North Beach'],
  ['the curves of Lombard Street', [37.8021, -122.4187], 'Russian Hill'],
  ['Alamo Square', [37.7763, -122.4346], 'Western Addition'],
  ['Castro Theatre', [37.762, -122.435], 'Castro/Upper Market'],
  ['24th Street and Mission Street', [37.7523, -122.4184], 'Mission'],
  ['Conservatory of Flowers', [37.7726, -122.4604], 'Golden Gate Park'],
  ['Treasure Island', [37.8235, -122.3707], 'Treasure Island/YBI'],
  ['San Francisco Zoo', [37.733, -122.503], 'Lakeshore'],
];

type Ring = readonly (readonly [number, number])[];

/** Whether a position is inside of a geometry, by the number of its edges to the east: without the H3 library. */
function isInside({ geometry }: Zone, [lat, lng]: readonly [number, number]): boolean {
  const polygons = geometry.coordinates as readonly (readonly Ring[])[];
  let crossings = 0;
  for (const ring of polygons.flat()) {
    for (const [index, [lngTo, latTo]] of ring.entries()) {
      const [lngFrom, latFrom] = ring.at(index - 1)!;
      if (latFrom > lat === latTo > lat) continue;
      if (lng < lngFrom + ((lat - latFrom) * (lngTo - lngFrom)) / (latTo - latFrom)) crossings += 1;
    }
  }
  return crossings % 2 === 1;
}

describe("San Francisco's neighborhoods", () => {
  let text: string;
  let zones: readonly Zone[];

  beforeAll(async () => {
    text = await readFile(FILE, 'utf8');
    zones = readZones(text, 'name');
  });

  it.each(PLACES)('%s is in the right one', (_, [lat, lng], neighborhood) => {
    const cell = latLngToCell(lat, lng, H3_RESOLUTION);
    const found = zones.filter(({ cells }) => cells.includes(cell)).map(({ name }) => name);
    expect(found).toEqual([neighborhood]);
  });

  it('have the cells of the city and its surroundings whose centre is inside', () => {
    const around = polygonToCells(
      [
        [37.65, -122.56],
        [37.65, -122.3],
        [37.87, -122.3],
        [37.87, -122.56],
      ],
      H3_RESOLUTION,
    );
    expect(zones).toHaveLength(37);
    for (const zone of zones) {
      const expected = around.filter((cell) => isInside(zone, cellToLatLng(cell)));
      expect(new Set(zone.cells), zone.name).toEqual(new Set(expected));
    }
  });

  it('are the same in reports', () => {
    const areas = parseZones(text, 'neighborhoods.geojson');
    expect(areas.map(({ name }) => name)).toEqual(zones.map(({ name }) => name));
    for (const [index, { cells }] of areas.entries())
      expect(new Set(cells)).toEqual(new Set(zones[index]!.cells));
  });
});
