import { describe, expect, it } from 'vitest';
import { countPerCell, isCrowded, overlappingShare, toPlaces } from './cells.js';
import { worldSizePixels } from './mercator.js';

/** Places in a row, so many pixels apart at a zoom. */
function row(count: number, pixelsApart: number, zoom: number) {
  const positions = new Float64Array(2 * count);
  for (let index = 0; index < count; index++) {
    positions[2 * index] = 7.4 + (index * pixelsApart * 360) / worldSizePixels(zoom);
    positions[2 * index + 1] = 43.7;
  }
  return toPlaces(positions, count);
}

describe('isCrowded', () => {
  it('draws marks that do not overlap', () => {
    expect(isCrowded(row(100, 30, 14), { zoom: 14, counting: false })).toBe(false);
  });

  it('counts if marks would overlap', () => {
    expect(isCrowded(row(100, 2, 14), { zoom: 14, counting: false })).toBe(true);
  });

  it('draws marks at high zoom and for few vehicles, even if they overlap', () => {
    expect(isCrowded(row(100, 1, 17), { zoom: 17, counting: true })).toBe(false);
    expect(isCrowded(row(20, 1, 14), { zoom: 14, counting: true })).toBe(false);
  });

  it('keeps the current mode between the two limits', () => {
    const places = [row(100, 9, 14), row(100, 8.5, 14), row(100, 8, 14), row(100, 7.5, 14), row(100, 7, 14)];
    const between = places.find((each) => {
      const share = overlappingShare(each, 14);
      return share > 0.42 && share <= 0.55;
    })!;
    expect(isCrowded(between, { zoom: 14, counting: false })).toBe(false);
    expect(isCrowded(between, { zoom: 14, counting: true })).toBe(true);
  });
});

describe('overlappingShare', () => {
  it('is the share of places that have another one in their square', () => {
    const positions = Float64Array.from({ length: 4_000 }, (_, at) => {
      const place = (at >> 1) % 700;
      return at % 2 === 0 ? 7.4 + (place % 40) * 0.0003 * (1 + (place % 3)) : 43.7 + (place % 29) * 0.0002;
    });
    const places = toPlaces(positions, 2_000);
    const perPixel = worldSizePixels(14) / 10;
    const squares = Array.from(places.x, (x, at) =>
      [Math.floor(x * perPixel), Math.floor(places.y[at]! * perPixel)].join(' '),
    );
    const overlapping = squares.filter((square) => squares.indexOf(square) !== squares.lastIndexOf(square));
    expect(overlappingShare(places, 14)).toBe(overlapping.length / 2_000);
    expect(overlappingShare(toPlaces(positions, 1), 14)).toBe(0);
    expect(overlappingShare(toPlaces(positions, 0), 14)).toBe(0);
  });
});

describe('countPerCell', () => {
  it('counts every place once, by kind', () => {
    const places = row(100, 20, 13);
    const kinds = Uint8Array.from({ length: 100 }, (_, index) => index % 3);
    const cells = countPerCell(places, { zoom: 13, kinds, kindCount: 3 });
    expect(cells.reduce((sum, { count }) => sum + count, 0)).toBe(100);
    expect(cells.reduce((sum, { countByKind }) => sum + countByKind[0]!, 0)).toBe(34);
    expect(cells.length).toBeGreaterThan(20);
  });

  it('puts each place into the cell whose centre is nearest', () => {
    const places = row(200, 7, 13);
    const size = worldSizePixels(13);
    const cells = countPerCell(places, { zoom: 13, kinds: new Uint8Array(200), kindCount: 1 });
    for (let index = 0; index < 200; index++) {
      const distances = cells.map(
        ({ x, y }) => Math.hypot(x - places.x[index]!, y - places.y[index]!) * size,
      );
      expect(Math.min(...distances)).toBeLessThanOrEqual(60 / Math.sqrt(3) + 1e-6);
    }
  });

  it('keeps its cells while the zoom changes a little', () => {
    const places = row(50, 10, 13);
    const at = (zoom: number) => countPerCell(places, { zoom, kinds: new Uint8Array(50), kindCount: 1 });
    expect(at(13.2)).toEqual(at(13));
    expect(at(13.5)).not.toEqual(at(13));
  });
});
