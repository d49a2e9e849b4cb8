import { describe, expect, it } from 'vitest';
import { metersBetween } from './wgs84.js';

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
