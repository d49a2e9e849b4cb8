import { latLngToCell } from 'h3-js';
import { describe, expect, it } from 'vitest';
import { readZones, ZoneFileError } from './zone-file.js';

/** A square of about 1.1 by 1.6 km. */
const SQUARE = [
  [7.41, 43.73],
  [7.43, 43.73],
  [7.43, 43.74],
  [7.41, 43.74],
  [7.41, 43.73],
];

function fileOf(geometry: unknown, properties: unknown = { name: 'La Condamine' }): string {
  return JSON.stringify({ type: 'FeatureCollection', features: [{ type: 'Feature', properties, geometry }] });
}

describe(readZones, () => {
  it('returns the cells whose centre is in the zone', () => {
    const [zone] = readZones(fileOf({ type: 'Polygon', coordinates: [SQUARE] }), 'name');
    expect(zone).toMatchObject({ id: 'la-condamine', name: 'La Condamine' });
    expect(zone!.cells).toContain(latLngToCell(43.735, 7.42, 9));
    expect(zone!.cells).not.toContain(latLngToCell(43.745, 7.42, 9));
    // 1.79 km² in cells of 0.108 km² at this latitude.
    expect(zone!.cells.length).toBeGreaterThanOrEqual(12);
    expect(zone!.cells.length).toBeLessThanOrEqual(20);
  });

  it('leaves out holes, and joins the parts of a MultiPolygon', () => {
    const hole = [
      [7.414, 43.732],
      [7.426, 43.732],
      [7.426, 43.738],
      [7.414, 43.738],
      [7.414, 43.732],
    ];
    const [zone] = readZones(fileOf({ type: 'MultiPolygon', coordinates: [[SQUARE, hole], [hole]] }), 'name');
    const [whole] = readZones(fileOf({ type: 'Polygon', coordinates: [SQUARE] }), 'name');
    const [withHole] = readZones(fileOf({ type: 'Polygon', coordinates: [SQUARE, hole] }), 'name');
    expect(withHole!.cells).not.toContain(latLngToCell(43.735, 7.42, 9));
    expect(new Set(zone!.cells)).toEqual(new Set(whole!.cells));
  });

  it('reads the name from another property, and makes an id of it', () => {
    const file = fileOf(
      { type: 'Polygon', coordinates: [SQUARE] },
      { quartier: "  Saint-Rom\u00e1n / L'Annonciade " },
    );
    expect(readZones(file, 'quartier')[0]!.id).toBe('saint-roman-l-annonciade');
  });

  it.each([
    ['{', 'not JSON'],
    ['[]', 'expected a GeoJSON FeatureCollection'],
    [JSON.stringify({ type: 'FeatureCollection', features: [] }), 'features: expected at least one'],
    [fileOf(null), 'features[0].geometry (La Condamine): expected a Polygon or MultiPolygon, got null'],
    [fileOf({ type: 'Point', coordinates: [7, 43] }), 'expected a Polygon or MultiPolygon, got "Point"'],
    [
      fileOf({ type: 'Polygon', coordinates: [SQUARE.slice(0, 4)] }),
      'a ring is not closed: expected the last position to be [7.41,43.73], got [7.41,43.74]',
    ],
    [
      fileOf({
        type: 'Polygon',
        coordinates: [
          [
            [7, 43],
            [7, 43],
          ],
        ],
      }),
      'expected rings of at least 4 positions',
    ],
    [
      fileOf({ type: 'Polygon', coordinates: [SQUARE.map(([lng]) => [lng, 443])] }),
      'expected positions [longitude, latitude] in degrees, got [7.41,443]',
    ],
    [
      fileOf({ type: 'Polygon', coordinates: [SQUARE] }, { NAME: 'x' }),
      'features[0].properties.name: expected the name of the zone, got nothing. Properties of the feature: NAME',
    ],
    [
      fileOf({
        type: 'Polygon',
        coordinates: [SQUARE.map(([lng, lat]) => [7.42 + (lng! - 7.42) / 1e4, 43.7 + lat! / 1e6])],
      }),
      'contains the centre of no H3 cell',
    ],
  ])('rejects %s', (text, message) => {
    expect(() => readZones(text, 'name')).toThrow(ZoneFileError);
    expect(() => readZones(text, 'name')).toThrow(message);
  });

  it('rejects two zones with the same id', () => {
    const feature = {
      type: 'Feature',
      properties: { name: 'Port' },
      geometry: { type: 'Polygon', coordinates: [SQUARE] },
    };
    const other = { ...feature, properties: { name: 'PORT' } };
    expect(() =>
      readZones(JSON.stringify({ type: 'FeatureCollection', features: [feature, other] }), 'name'),
    ).toThrow('the zones "Port" and "PORT" have the same id port');
  });
});
