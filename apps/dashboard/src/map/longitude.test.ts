import { describe, expect, it } from 'vitest';
import { boundsOf, nearestTurn, spansAntimeridian, viewportOf } from './longitude.js';

const suva = { west: 179.9, south: -17, east: -179.8, north: -16 };
const monaco = { west: 7.4, south: 43.7, east: 7.5, north: 43.8 };

describe('boundsOf', () => {
  it('exceeds 180° for a city that spans the antimeridian', () => {
    expect(spansAntimeridian(suva)).toBe(true);
    const [west, south, east, north] = boundsOf(suva);
    expect([west, south, north]).toEqual([179.9, -17, -16]);
    expect(east).toBeCloseTo(180.2);
  });

  it('is the bounding box of any other city', () => {
    expect(spansAntimeridian(monaco)).toBe(false);
    expect(boundsOf(monaco)).toEqual([7.4, 43.7, 7.5, 43.8]);
  });
});

describe('viewportOf', () => {
  it('keeps longitudes beyond 180°, on either side', () => {
    expect(viewportOf({ west: 179.5, south: -17, east: 180.5, north: -16 }, 0.1)).toEqual({
      west: 179.4,
      south: -17.1,
      east: 180.6,
      north: -15.9,
    });
    expect(viewportOf({ west: -180.5, south: -17, east: -179.5, north: -16 }, 0)).toMatchObject({
      west: -180.5,
      east: -179.5,
    });
  });

  it('is the whole world if that is visible, and ends at the poles', () => {
    expect(viewportOf({ west: -400, south: -89, east: 300, north: 89 }, 0.1)).toEqual({
      west: -180,
      south: -90,
      east: 180,
      north: 90,
    });
    expect(viewportOf({ west: -160, south: -60, east: 160, north: 60 }, 0.1)).toMatchObject({
      west: -180,
      east: 180,
    });
  });
});

describe('nearestTurn', () => {
  it('shifts a longitude by multiples of 360° to within 180° of another', () => {
    expect(nearestTurn(-179.9, 180)).toBeCloseTo(180.1);
    expect(nearestTurn(179.9, -180)).toBeCloseTo(-180.1);
    expect(nearestTurn(7.42, 7.4)).toBe(7.42);
  });
});
