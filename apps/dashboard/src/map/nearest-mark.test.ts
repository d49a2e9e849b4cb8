import { describe, expect, it } from 'vitest';
import { worldSizePixels } from '../city-state/mercator.js';
import { nearestMark } from './nearest-mark.js';

const zoom = 15;
const at = { lng: 7.42, lat: 43.73 };
const pixels = (count: number) => (count * 360) / worldSizePixels(zoom);

describe('nearestMark', () => {
  it('finds the nearest within the radius', () => {
    const positions = Float64Array.of(at.lng + pixels(12), at.lat, at.lng - pixels(5), at.lat);
    expect(nearestMark(positions, { at, zoom, radiusPixels: 16 })).toBe(1);
  });

  it('finds none outside the radius or without marks', () => {
    const positions = Float64Array.of(at.lng + pixels(17), at.lat);
    expect(nearestMark(positions, { at, zoom, radiusPixels: 16 })).toBe(-1);
    expect(nearestMark(new Float64Array(), { at, zoom, radiusPixels: 16 })).toBe(-1);
  });

  it('finds a mark on the other side of the antimeridian', () => {
    const east = { lng: -180 + pixels(3), lat: at.lat };
    const positions = Float64Array.of(180 - pixels(5), at.lat);
    expect(nearestMark(positions, { at: east, zoom, radiusPixels: 16 })).toBe(0);
    expect(nearestMark(positions, { at: { ...east, lng: east.lng + 360 }, zoom, radiusPixels: 16 })).toBe(0);
  });

  it('returns the topmost of several at the same position', () => {
    const positions = Float64Array.of(at.lng, at.lat, at.lng, at.lat);
    expect(nearestMark(positions, { at, zoom, radiusPixels: 16 })).toBe(1);
  });
});
