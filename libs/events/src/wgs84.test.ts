import { describe, expect, it } from 'vitest';
import { earthCentred, metersBetween, metersPerDegree } from './wgs84.js';

/** Geodesics on WGS 84, in metres, computed by another program with Vincenty's formulae. */
const geodesics = [
  [{ lat: 0, lng: 0 }, { lat: 0, lng: 0.1 }, 11_131.949_08],
  [{ lat: 0, lng: 0 }, { lat: 0.1, lng: 0 }, 11_057.427_69],
  [{ lat: 43.7384, lng: 7.4246 }, { lat: 43.7311, lng: 7.4189 }, 932.053_91],
  [{ lat: 37.7749, lng: -122.4194 }, { lat: 37.6213, lng: -122.379 }, 17_416.514_26],
  [{ lat: 60, lng: 10 }, { lat: 60.5, lng: 11.2 }, 86_713.079_14],
] as const;

describe('metersBetween', () => {
  it.each(geodesics)('is the length of the geodesic: %o to %o', (one, other, meters) => {
    expect(metersBetween(one, other) / meters).toBeCloseTo(1, 4);
    expect(metersBetween(other, one)).toBe(metersBetween(one, other));
  });

  it('crosses the antimeridian', () => {
    expect(metersBetween({ lat: 0, lng: 179.95 }, { lat: 0, lng: -179.95 }) / 11_131.949).toBeCloseTo(1, 6);
  });

  it('is zero for one place', () => {
    expect(metersBetween({ lat: 43.7, lng: 7.4 }, { lat: 43.7, lng: 7.4 })).toBe(0);
  });
});

describe('metersPerDegree', () => {
  /** By the series of the National Geospatial-Intelligence Agency. */
  it.each([
    [0, 111_319.491, 110_574.276],
    [43.7384, 80_557.73, 111_107.1],
    [90, 0, 111_693.98],
  ])('has the lengths of a degree at latitude %d', (lat, east, north) => {
    expect(metersPerDegree(lat).east).toBeCloseTo(east, 0);
    expect(metersPerDegree(lat).north).toBeCloseTo(north, 0);
  });
});

describe('earthCentred', () => {
  it('has the chords of geodesics', () => {
    for (const [one, other, meters] of geodesics.slice(0, 3)) {
      const [from, to] = [earthCentred(one), earthCentred(other)];
      // The arc is longer than the chord by meters³ ÷ 24 radius²: 1.4 mm at 11 km.
      expect(Math.hypot(...from.map((axis, index) => axis - to[index]!))).toBeCloseTo(meters, 2);
    }
  });

  it('has the semi-axes of the ellipsoid', () => {
    expect(earthCentred({ lat: 0, lng: 90 })[1]).toBeCloseTo(6_378_137, 3);
    expect(earthCentred({ lat: 90, lng: 0 })[2]).toBeCloseTo(6_356_752.314, 3);
  });
});
