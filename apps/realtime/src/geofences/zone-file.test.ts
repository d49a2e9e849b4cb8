import { describe, expect, it } from 'vitest';
import { parseZoneFile, ZoneFileError } from './zone-file.js';
import { ZoneIndex } from './zone-index.js';
import { MAX_ZONES } from './zone.js';

const square = (west: number, south: number, size: number): number[][] => [
  [west, south],
  [west + size, south],
  [west + size, south + size],
  [west, south + size],
  [west, south],
];

const feature = (id: string, coordinates: unknown, type = 'Polygon') => ({
  type: 'Feature',
  id,
  properties: { name: `Zone ${id}`, fill: '#fff' },
  geometry: { type, coordinates },
});

const file = (...features: unknown[]): string => JSON.stringify({ type: 'FeatureCollection', features });
const parse = (...features: unknown[]) => parseZoneFile(file(...features), 'zones.geojson');

function problemsOf(...features: unknown[]): string {
  try {
    parse(...features);
  } catch (error) {
    if (error instanceof ZoneFileError) return error.message;
    throw error;
  }
  return '';
}

describe(parseZoneFile, () => {
  it('reads polygons with holes and several polygons', () => {
    const [ring, two] = parse(
      feature('ring', [square(7, 43, 1), square(7.4, 43.4, 0.2)]),
      feature('two', [[square(7, 43, 0.1)], [square(7.5, 43.5, 0.1)]], 'MultiPolygon'),
    );
    expect([ring!.contains(7.2, 43.2), ring!.contains(7.5, 43.5), ring!.contains(6.9, 43.2)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([two!.contains(7.05, 43.05), two!.contains(7.3, 43.3), two!.contains(7.55, 43.55)]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('assigns a position on a shared border to one of two zones', () => {
    const [west, east] = parse(feature('west', [square(7, 43, 1)]), feature('east', [square(8, 43, 1)]));
    expect([west!, east!].filter((zone) => zone.contains(8, 43.5))).toHaveLength(1);
  });

  it.each([
    [
      'jumps to the other sign',
      [
        [
          [179, 0],
          [-179, 0],
          [-179, 2],
          [179, 2],
          [179, 0],
        ],
      ],
    ],
    [
      'continues beyond 180°',
      [
        [
          [179, 0],
          [181, 0],
          [181, 2],
          [179, 2],
          [179, 0],
        ],
      ],
    ],
  ])('reads a ring across the antimeridian that %s', (_, coordinates) => {
    const [zone] = parse(feature('fiji', coordinates));
    const index = new ZoneIndex([zone!]);
    const isInside = (lng: number) => [zone!.contains(lng, 1), index.at(lng, 1).length === 1];
    expect([179.5, -179.5, -180, 180].map(isInside)).toEqual(Array.from({ length: 4 }, () => [true, true]));
    expect([178.5, -178.5, 0].map(isInside)).toEqual(Array.from({ length: 3 }, () => [false, false]));
  });

  it('reads a hole whose longitudes are of another turn than the border', () => {
    const border = [
      [170, 0],
      [190, 0],
      [190, 10],
      [170, 10],
      [170, 0],
    ];
    const hole = [
      [-179, 4],
      [-175, 4],
      [-175, 6],
      [-179, 6],
      [-179, 4],
    ];
    const [zone] = parse(feature('pacific', [border, hole]));
    expect([zone!.contains(-177, 5), zone!.contains(-172, 5), zone!.contains(175, 5)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it.each([
    ['an unclosed ring', [square(7, 43, 1).slice(0, 4)], /closed ring, got 7,43 and 7,44/],
    [
      'too few positions',
      [
        [
          [7, 43],
          [8, 43],
          [7, 43],
        ],
      ],
      /at least 4 positions, got 3/,
    ],
    [
      'latitude and longitude exchanged',
      [square(43, 95, 1)],
      /latitudes from -90 to 90 after the longitude, got 95/,
    ],
    [
      'a ring without an area',
      [
        [
          [7, 43],
          [8, 44],
          [9, 45],
          [7, 43],
        ],
      ],
      /with an area/,
    ],
    [
      'a ring around a pole',
      [
        [
          [0, 80],
          [120, 80],
          [240, 80],
          [0, 80],
        ],
      ],
      /does not contain a pole/,
    ],
    ['a point', [7, 43], /geometry/],
  ])('rejects %s', (_, coordinates, message) => {
    expect(problemsOf(feature('a', coordinates))).toMatch(message);
  });

  it('names each place, and two zones with the same id', () => {
    const problems = problemsOf(feature('a', [square(7, 43, 1)]), feature('a', [square(7, 43, 1)]), {
      ...feature('B c', [square(7, 43, 1)]),
      properties: {},
    });
    expect(problems).toContain('zones.geojson: features[1].id: two zones have the id "a"');
    expect(problems).toContain('zones.geojson: features[2].id: ');
    expect(problems).toContain('zones.geojson: features[2].properties.name: is required');
  });

  it('rejects text that is not a FeatureCollection, and too many zones', () => {
    expect(() => parseZoneFile('{', 'z')).toThrow(/^z: not JSON/);
    expect(() => parseZoneFile('[]', 'z')).toThrow('z: expected a GeoJSON FeatureCollection');
    expect(() => parseZoneFile(file(...Array.from({ length: MAX_ZONES + 1 })), 'z')).toThrow(
      `z: expected at most ${MAX_ZONES} zones, got ${MAX_ZONES + 1}`,
    );
  });
});
