import { describe, expect, it } from 'vitest';
import { graticuleOf, overlap } from './graticule.js';

const sanFrancisco = { west: -122.52, south: 37.7, east: -122.35, north: 37.82 };

describe('graticuleOf', () => {
  it('has lines at round degrees, and a label of each', () => {
    const { lines, labels } = graticuleOf(sanFrancisco);
    expect(lines).toHaveLength(9 + 7);
    expect(lines[0]).toEqual([
      [-122.52, 37.7],
      [-122.52, 37.82],
    ]);
    expect(labels.map(({ text }) => text)).toContain('37.74°N');
    expect(labels.map(({ text }) => text)).toContain('122.40°W');
  });

  it.each([0.0005, 0.03, 1, 40, 360])('has few lines in an area of %d degrees', (extent) => {
    const { lines } = graticuleOf({ west: 7, south: 0, east: 7 + extent, north: Math.min(80, extent) });
    expect(lines.length).toBeLessThanOrEqual(26);
  });

  it('wraps longitudes of a repeated world', () => {
    const { labels } = graticuleOf({ west: 179, south: -18, east: 183, north: -16 });
    expect(labels.map(({ text }) => text)).toContain('17.0°S 179.0°W');
  });
});

describe('overlap', () => {
  const monaco = { west: 7.4, south: 43.7, east: 7.5, north: 43.8 };

  it('detects areas with a common part', () => {
    expect(overlap(monaco, { west: 7.45, south: 43.75, east: 8, north: 44 })).toBe(true);
    expect(overlap(monaco, sanFrancisco)).toBe(false);
    expect(overlap({ west: 367, south: 43, east: 368, north: 44 }, monaco)).toBe(true);
  });
});
