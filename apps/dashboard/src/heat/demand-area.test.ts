import { describe, expect, it } from 'vitest';
import { areaOf, resolutionOf } from './demand-area.js';

const monaco = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };
const numbers = (area: string) => area.split(',').map(Number) as [number, number, number, number];

describe('resolutionOf', () => {
  it('has cells that are large enough on the screen', () => {
    expect(resolutionOf(monaco, 1_280)).toBe(9);
    expect(resolutionOf({ ...monaco, east: 7.41 }, 1_280)).toBe(10);
    expect(resolutionOf({ ...monaco, east: 9 }, 1_280)).toBe(6);
    expect(resolutionOf({ west: -180, south: -80, east: 180, north: 80 }, 1_280)).toBe(4);
  });
});

describe('areaOf', () => {
  it('contains the viewport, and stays the same for small moves', () => {
    const [west, south, east, north] = numbers(areaOf(monaco));
    expect([west <= 7.4, south <= 43.72, east >= 7.45, north >= 43.76]).toEqual([true, true, true, true]);
    expect(east - west).toBeLessThan(0.15);
    const moved = { west: 7.402, south: 43.721, east: 7.452, north: 43.761 };
    expect(areaOf(moved)).toBe(areaOf(monaco));
  });

  it('crosses the antimeridian, and has at most the whole world', () => {
    const [west, , east] = numbers(areaOf({ west: 179, south: -18, east: -179, north: -16 }));
    expect(west).toBeGreaterThan(east);
    expect(areaOf({ west: -180, south: -85, east: 180, north: 85 })).toBe('-180,-90,180,90');
  });
});
