import type { CityFile } from '@hailstream/events/city-file';
import { describe, expect, it } from 'vitest';
import { waterExtentsOf } from './water-extents.js';

type Box = [west: number, south: number, east: number, north: number];

/** A city with roads in one box, and a rectangle of a kind of area. */
function cityOf(bbox: Box, [west, south, east, north]: Box, kind: 'water' | 'park' = 'water'): CityFile {
  return {
    type: 'FeatureCollection',
    version: 2,
    name: 'Here',
    bbox,
    attribution: 'someone',
    areas: [
      {
        type: 'Feature',
        properties: { kind },
        geometry: {
          type: 'Polygon',
          coordinates: [
            [
              [west, south],
              [east, south],
              [east, north],
              [west, north],
              [west, south],
            ],
          ],
        },
      },
    ],
    features: [],
  };
}

const boxOf = ([west, south, east, north]: Box) => ({ west, south, east, north });

describe(waterExtentsOf, () => {
  it('has the box of the water and the box of the roads of each city', () => {
    const cities = [cityOf([1, 1, 2, 2], [0, 0, 3, 3]), cityOf([11, 1, 12, 2], [10, 0, 13, 1.5])];
    expect(waterExtentsOf(cities)).toEqual([
      { water: boxOf([0, 0, 3, 3]), roads: boxOf([1, 1, 2, 2]) },
      { water: boxOf([10, 0, 13, 2]), roads: boxOf([11, 1, 12, 2]) },
    ]);
  });

  it('merges extents that overlap, also by another one between them', () => {
    const cities = [
      cityOf([1, 1, 2, 2], [0, 0, 3, 3]),
      cityOf([6, 1, 7, 2], [5, 0, 8, 3]),
      cityOf([3, 1, 5, 2], [2, 0, 6, 3]),
    ];
    expect(waterExtentsOf(cities)).toEqual([{ water: boxOf([0, 0, 8, 3]), roads: boxOf([1, 1, 7, 2]) }]);
  });

  it('is empty if all water is between the roads, and without water', () => {
    const lake = cityOf([0, 0, 3, 3], [1, 1, 2, 2]);
    const park = cityOf([1, 1, 2, 2], [0, 0, 3, 3], 'park');
    const plain = { ...lake, areas: [] };
    expect(waterExtentsOf([lake, park, plain])).toEqual([]);
  });
});
