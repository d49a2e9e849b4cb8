import { describe, expect, it } from 'vitest';
import { Extent } from './extent.js';

function extentOf(...places: [lat: number, lng: number][]) {
  const extent = new Extent();
  for (const [lat, lng] of places) extent.add(lat, lng);
  return extent.bbox;
}

describe('Extent', () => {
  it('is null without places', () => {
    expect(extentOf()).toBeNull();
  });

  it('contains all places', () => {
    expect(extentOf([37.7, -122.4], [37.8, -122.5], [37.75, -121.2])).toEqual({
      west: -122.5,
      south: 37.7,
      east: -121.2,
      north: 37.8,
    });
    expect(extentOf([43.7, 7.4])).toEqual({ west: 7.4, south: 43.7, east: 7.4, north: 43.7 });
  });

  it('spans the antimeridian if that is smaller', () => {
    expect(extentOf([-17, 178], [-16, -179.5], [-18, 180])).toEqual({
      west: 178,
      south: -18,
      east: -179.5,
      north: -16,
    });
  });
});
