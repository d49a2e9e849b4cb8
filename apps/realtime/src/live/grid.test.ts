import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellAt, cellsOf, cover, covers, coversCell, finestCellAt, isWithin } from './grid.js';

const lat = fc.double({ min: -90, max: 90, noNaN: true });
const lng = fc.double({ min: -180, max: 180, noNaN: true });
const viewport = fc
  .record({ west: lng, east: lng, one: lat, other: lat })
  .map(({ west, east, one, other }) => ({
    west,
    east,
    south: Math.min(one, other),
    north: Math.max(one, other),
  }));
/** A city's worth, where rounding at the edges would show. */
const smallViewport = fc
  .record({ west: lng, south: lat, extent: fc.double({ min: 0, max: 0.1, noNaN: true }) })
  .map(({ west, south, extent }) => ({
    west,
    east: west + extent > 180 ? west + extent - 360 : west + extent,
    south,
    north: Math.min(90, south + extent),
  }));
const anyViewport = fc.oneof(viewport, smallViewport);

describe('cover', () => {
  it('covers every position in the viewport', () => {
    fc.assert(
      fc.property(
        anyViewport,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.boolean(),
        (seen, at, isEdge) => {
          const width = seen.west <= seen.east ? seen.east - seen.west : seen.east - seen.west + 360;
          const unwrapped = isEdge ? seen.east : seen.west + at * width;
          const place = {
            lat: Math.min(seen.north, seen.south + at * (seen.north - seen.south)),
            lng: unwrapped > 180 ? unwrapped - 360 : unwrapped,
          };
          expect(covers(cover(seen), place.lat, place.lng)).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('returns few cells', () => {
    fc.assert(
      fc.property(anyViewport, (seen) => {
        expect([...cellsOf(cover(seen))].length).toBeLessThanOrEqual(81);
      }),
    );
  });

  it('is the same for viewports that are nearly the same', () => {
    const seen = { west: 7.4091, south: 43.7249, east: 7.4398, north: 43.7519 };
    const nudged = { west: 7.4092, south: 43.7248, east: 7.4399, north: 43.7518 };
    expect(cover(nudged)).toEqual(cover(seen));
  });

  it('does not extend far beyond the viewport', () => {
    const range = cover({ west: 7, south: 43, east: 7.1, north: 43.1 });
    expect(covers(range, 43.05, 7.13)).toBe(false);
    expect(covers(range, 43.13, 7.05)).toBe(false);
    expect(covers(range, 43.05, 6.97)).toBe(false);
  });

  it('crosses the antimeridian', () => {
    const range = cover({ west: 179.9, south: -17, east: -179.9, north: -16.9 });
    expect(covers(range, -16.95, 179.95)).toBe(true);
    expect(covers(range, -16.95, -179.95)).toBe(true);
    expect(covers(range, -16.95, 0)).toBe(false);
  });

  it.each([
    { west: -180, south: -90, east: 180, north: 90 },
    { west: 10, south: -90, east: 5, north: 90 },
    { west: -400, south: -85, east: 400, north: 85 },
  ])('goes round the globe: %j', (seen) => {
    for (const place of [-180, -90, 0, 11, 179.9, 180]) expect(covers(cover(seen), 0, place)).toBe(true);
  });
});

describe('cellsOf', () => {
  it('contains the cell of a position if and only if the range covers it', () => {
    fc.assert(
      fc.property(anyViewport, lat, lng, (seen, atLat, atLng) => {
        const range = cover(seen);
        const cells = new Set(cellsOf(range));
        expect(cells.has(cellAt(range.level, atLat, atLng))).toBe(covers(range, atLat, atLng));
        expect(cells.has(cellAt(range.level, seen.south, seen.west))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('coversCell', () => {
  it('is true for the finest cell of a position if and only if the range covers the position', () => {
    fc.assert(
      fc.property(anyViewport, lat, lng, fc.boolean(), (seen, anyLat, anyLng, isCorner) => {
        const range = cover(seen);
        const [atLat, atLng] = isCorner ? [seen.north, seen.east] : [anyLat, anyLng];
        expect(coversCell(range, finestCellAt(atLat, atLng))).toBe(covers(range, atLat, atLng));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('isWithin', () => {
  it('includes the edges and handles the antimeridian', () => {
    expect(isWithin({ west: 7, south: 43, east: 8, north: 44 }, 43, 8)).toBe(true);
    expect(isWithin({ west: 7, south: 43, east: 8, north: 44 }, 43.5, 8.01)).toBe(false);
    expect(isWithin({ west: 170, south: -10, east: -170, north: 10 }, 0, -175)).toBe(true);
    expect(isWithin({ west: 170, south: -10, east: -170, north: 10 }, 0, 0)).toBe(false);
  });
});
