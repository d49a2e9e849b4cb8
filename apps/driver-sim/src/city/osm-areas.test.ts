import { describe, expect, it } from 'vitest';
import type { Coordinate } from './antimeridian.js';
import { areaKindOf, joinLines, seaPolygons, toPolygons } from './osm-areas.js';

const box = [0, 0, 10, 10] as const;

/** Even-odd rule over all rings of all polygons. */
function isWater(polygons: readonly Coordinate[][][], [lng, lat]: Coordinate): boolean {
  let isInside = false;
  for (const ring of polygons.flat()) {
    for (const [index, [toLng, toLat]] of ring.entries()) {
      const [fromLng, fromLat] = ring.at(index - 1)!;
      if (fromLat > lat === toLat > lat) continue;
      if (lng < fromLng + ((toLng - fromLng) * (lat - fromLat)) / (toLat - fromLat)) isInside = !isInside;
    }
  }
  return isInside;
}

describe(areaKindOf, () => {
  it.each([
    [{ natural: 'water' }, 'water'],
    [{ waterway: 'riverbank' }, 'water'],
    [{ building: 'yes' }, 'building'],
    [{ building: 'no' }, undefined],
    [{ leisure: 'park' }, 'park'],
    [{ landuse: 'forest' }, 'park'],
    [{ natural: 'coastline' }, undefined],
    [{ landuse: 'residential' }, undefined],
  ])('of %j is %s', (tags, kind) => {
    expect(areaKindOf(new Map(Object.entries(tags)))).toBe(kind);
  });
});

describe(joinLines, () => {
  const [a, b, c, d]: Coordinate[] = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ];

  it('joins lines in any order, and reverses them if it may', () => {
    expect(
      joinLines(
        [
          [a!, b!],
          [c!, d!],
          [b!, c!],
        ],
        false,
      ),
    ).toEqual([[a, b, c, d]]);
    expect(
      joinLines(
        [
          [a!, b!],
          [c!, b!],
          [a!, d!],
          [d!, c!],
        ],
        true,
      ),
    ).toHaveLength(1);
    expect(
      joinLines(
        [
          [a!, b!],
          [c!, b!],
        ],
        false,
      ),
    ).toHaveLength(2);
  });
});

describe(toPolygons, () => {
  const ring = (from: number, to: number): Coordinate[] => [
    [from, from],
    [from, to],
    [to, to],
    [to, from],
    [from, from],
  ];

  it('makes borders counter-clockwise, and holes clockwise in the border that contains them', () => {
    const polygons = toPolygons([ring(0, 4), ring(5, 9)], [ring(6, 7)]);
    expect(polygons).toEqual([[ring(0, 4).toReversed()], [ring(5, 9).toReversed(), ring(6, 7)]]);
  });
});

describe(seaPolygons, () => {
  it('is to the right of the coast: below a coast from west to east', () => {
    const sea = seaPolygons(
      [
        [
          [-1, 5],
          [3, 6],
          [7, 4],
          [11, 5],
        ],
      ],
      box,
    );
    expect([isWater(sea, [5, 1]), isWater(sea, [5, 9])]).toEqual([true, false]);
    const reversed = seaPolygons(
      [
        [
          [11, 5],
          [7, 4],
          [3, 6],
          [-1, 5],
        ],
      ],
      box,
    );
    expect([isWater(reversed, [5, 1]), isWater(reversed, [5, 9])]).toEqual([false, true]);
  });

  it('lies between two coasts, and around an island', () => {
    const north: Coordinate[] = [
      [0, 8],
      [5, 8],
      [10, 8],
    ];
    const south: Coordinate[] = [
      [10, 2],
      [5, 2],
      [0, 2],
    ];
    const island: Coordinate[] = [
      [4, 4],
      [6, 4],
      [6, 6],
      [4, 6],
      [4, 4],
    ];
    const sea = seaPolygons([north, south, island], box);
    const places: Coordinate[] = [
      [5, 9],
      [5, 7],
      [5, 5],
      [5, 3],
      [5, 1],
    ];
    expect(places.map((place) => isWater(sea, place))).toEqual([false, true, false, true, false]);
  });

  it('fills the box around islands alone, and is empty without a coast', () => {
    const sea = seaPolygons(
      [
        [
          [4, 4],
          [6, 4],
          [6, 6],
          [4, 6],
          [4, 4],
        ],
      ],
      box,
    );
    expect([isWater(sea, [1, 1]), isWater(sea, [5, 5])]).toEqual([true, false]);
    expect(seaPolygons([], box)).toEqual([]);
  });

  it('continues a coast that ends in the box in its direction', () => {
    const sea = seaPolygons(
      [
        [
          [3, 3],
          [4, 4.5],
          [6, 6],
        ],
      ],
      box,
    );
    const places: Coordinate[] = [
      [8, 7],
      [7, 8.5],
      [1.5, 0.3],
      [1, 1.2],
    ];
    expect(places.map((place) => isWater(sea, place))).toEqual([true, false, true, false]);
  });

  it('continues a coast to the nearest edge if it would cross itself', () => {
    const sea = seaPolygons(
      [
        [
          [0, 2],
          [9, 2],
          [9, 8],
          [5, 8],
          [5, 5],
        ],
      ],
      box,
    );
    expect([isWater(sea, [7, 5]), isWater(sea, [2, 8])]).toEqual([false, true]);
  });

  it('continues a coast whose ends are close to the edge', () => {
    const sea = seaPolygons(
      [
        [
          [1, 5],
          [5, 5.5],
          [9, 5],
        ],
      ],
      box,
    );
    expect([isWater(sea, [0.5, 4]), isWater(sea, [9.5, 6])]).toEqual([true, false]);
  });
});
