import { distanceMeters } from '@hailstream/roads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundsOf, cutAtAntimeridian, type Coordinate } from './antimeridian.js';

describe('cutAtAntimeridian', () => {
  it.each<[string, Coordinate[], Coordinate[][]]>([
    [
      'a line that does not cross it',
      [
        [7, 43],
        [8, 44],
      ],
      [
        [
          [7, 43],
          [8, 44],
        ],
      ],
    ],
    [
      'a line over Greenwich',
      [
        [-1, 51],
        [1, 51],
      ],
      [
        [
          [-1, 51],
          [1, 51],
        ],
      ],
    ],
    [
      'a line to the east',
      [
        [179, 0],
        [-178, 3],
      ],
      [
        [
          [179, 0],
          [180, 1],
        ],
        [
          [-180, 1],
          [-178, 3],
        ],
      ],
    ],
    [
      'a line to the west',
      [
        [-178, 3],
        [179, 0],
      ],
      [
        [
          [-178, 3],
          [-180, 1],
        ],
        [
          [180, 1],
          [179, 0],
        ],
      ],
    ],
    [
      'a point at 180',
      [
        [179, 0],
        [180, 1],
        [-179, 2],
      ],
      [
        [
          [179, 0],
          [180, 1],
        ],
        [
          [-180, 1],
          [-179, 2],
        ],
      ],
    ],
    [
      'a point at -180',
      [
        [179, 0],
        [-180, 1],
        [-179, 2],
      ],
      [
        [
          [179, 0],
          [180, 1],
        ],
        [
          [-180, 1],
          [-179, 2],
        ],
      ],
    ],
    [
      'an end at the other side of 180',
      [
        [179, 0],
        [-180, 1],
      ],
      [
        [
          [179, 0],
          [180, 1],
        ],
      ],
    ],
    [
      'a line along 180',
      [
        [180, 0],
        [180, 1],
      ],
      [
        [
          [180, 0],
          [180, 1],
        ],
      ],
    ],
  ])('cuts %s', (_what, line, parts) => {
    expect(cutAtAntimeridian(line)).toEqual(parts);
  });

  it('keeps the length of any line of short pieces', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 })), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(steps, (moves) => {
        const line: Coordinate[] = [[179.99, 60]];
        for (const [east, north] of moves) {
          const [lng, lat] = line.at(-1)!;
          const moved = lng + east / 1_000;
          line.push([moved > 180 ? moved - 360 : moved < -180 ? moved + 360 : moved, lat + north / 1_000]);
        }
        const parts = cutAtAntimeridian(line);
        for (const part of parts) expect(isAcross(part)).toBe(false);
        const meters = parts.reduce((sum, part) => sum + lengthOf(part), 0);
        expect(Math.abs(meters - lengthOf(line))).toBeLessThan(1);
      }),
    );
  });
});

describe('boundsOf', () => {
  it.each<[string, Coordinate[], [number, number, number, number]]>([
    [
      'a city',
      [
        [7.4, 43.7],
        [7.5, 43.8],
        [7.45, 43.6],
      ],
      [7.4, 43.6, 7.5, 43.8],
    ],
    [
      'a city over Greenwich',
      [
        [-0.2, 51],
        [0.1, 52],
      ],
      [-0.2, 51, 0.1, 52],
    ],
    [
      'a city over 180 degrees',
      [
        [179.9, -17],
        [180, -16.9],
        [-180, -16.9],
        [-179.8, -16],
      ],
      [179.9, -17, -179.8, -16],
    ],
    [
      'a city up to 180 degrees',
      [
        [179.9, -17],
        [180, -16],
      ],
      [179.9, -17, 180, -16],
    ],
    [
      'a city from 180 degrees on',
      [
        [-180, -17],
        [-179.9, -16],
      ],
      [-180, -17, -179.9, -16],
    ],
  ])('is the smallest box around %s', (_what, points, bounds) => {
    expect(boundsOf(points)).toEqual(bounds);
  });
});

function lengthOf(line: readonly Coordinate[]): number {
  const positions = line.map(([lng, lat]) => ({ lng, lat }));
  return positions.slice(1).reduce((sum, to, index) => sum + distanceMeters(positions[index]!, to), 0);
}

function isAcross(line: readonly Coordinate[]): boolean {
  return line.slice(1).some(([lng], index) => Math.abs(lng - line[index]![0]) > 180);
}
