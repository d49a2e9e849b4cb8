import { describe, expect, it } from 'vitest';
import { ringsOf, simplified } from './outlines.js';

describe(ringsOf, () => {
  it('has the rings of all polygons, with holes', () => {
    const ring = (lng: number) => [
      [lng, 1],
      [lng + 1, 1],
      [lng + 1, 2],
      [lng, 1],
    ];
    expect(ringsOf({ type: 'Polygon', coordinates: [ring(0)] })).toEqual([[0, 1, 1, 1, 1, 2, 0, 1]]);
    expect(ringsOf({ type: 'MultiPolygon', coordinates: [[ring(0), ring(3)], [ring(5)]] })).toHaveLength(3);
  });
});

describe(simplified, () => {
  /** A circle of 0.1° with a corner at each degree. */
  const circle = Array.from({ length: 361 }, (_, degree) => {
    const angle = ((degree % 360) * Math.PI) / 180;
    return [7 + 0.1 * Math.cos(angle), 43 + 0.1 * Math.sin(angle)];
  }).flat();

  it('leaves out corners that cannot be seen, and stays closed', () => {
    const [[ring]] = simplified([[circle]]) as [[readonly number[]]];
    expect(ring.length).toBeLessThan(circle.length / 4);
    expect(ring.slice(-2)).toEqual(ring.slice(0, 2));
    for (let at = 0; at < ring.length; at += 2) {
      expect(Math.hypot(ring[at]! - 7, ring[at + 1]! - 43)).toBeCloseTo(0.1, 4);
    }
    // The middle of each side is at most 1/800 of the extent from the circle.
    for (let at = 0; at + 3 < ring.length; at += 2) {
      const [x, y] = [(ring[at]! + ring[at + 2]!) / 2 - 7, (ring[at + 1]! + ring[at + 3]!) / 2 - 43];
      expect(0.1 - Math.hypot(x, y)).toBeLessThan(0.2 / 800 + 1e-5);
    }
  });

  it('keeps corners of a square, and areas that are small', () => {
    const square = [0, 0, 1, 0, 1, 1, 0, 1, 0, 0];
    const small = [2, 2, 2.0001, 2, 2.0001, 2.0001, 2, 2];
    expect(simplified([[square], [small]])).toEqual([[square], [small]]);
  });
});
