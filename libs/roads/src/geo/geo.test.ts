import { metersBetween } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { Chords, flatDistance, between, distanceMeters, headingDegrees, offset } from './geo.js';

const paris = { lat: 48.8566, lng: 2.3522 };
const london = { lat: 51.5074, lng: -0.1278 };

describe(distanceMeters, () => {
  it('measures the great-circle distance', () => {
    expect(distanceMeters(paris, london) / 1_000).toBeCloseTo(343.6, 0);
    expect(distanceMeters({ lat: 0, lng: 179.5 }, { lat: 0, lng: -179.5 }) / 1_000).toBeCloseTo(111.2, 1);
    expect(distanceMeters(paris, paris)).toBe(0);
  });
});

describe(headingDegrees, () => {
  it.each([
    [1, 0, 0],
    [0, 1, 90],
    [-1, 0, 180],
    [0, -1, 270],
  ])('to %d north and %d east is %d', (lat, lng, heading) => {
    expect(headingDegrees({ lat: 0, lng: 0 }, { lat, lng })).toBeCloseTo(heading);
  });
});

describe(offset, () => {
  it('moves a position by the given distance', () => {
    expect(distanceMeters(paris, offset(paris, { north: 30, east: 40 }))).toBeCloseTo(50, 2);
    expect(headingDegrees(paris, offset(paris, { north: 0, east: 40 }))).toBeCloseTo(90, 2);
  });
});

describe(between, () => {
  it('crosses the antimeridian if that is shorter', () => {
    const [fiji, samoa] = [
      { lat: -17, lng: 179 },
      { lat: -15, lng: -179 },
    ];
    expect(between(fiji, samoa, 0.25)).toEqual({ lat: -16.5, lng: 179.5 });
    expect(between(fiji, samoa, 0.75)).toEqual({ lat: -15.5, lng: -179.5 });
    expect(between(samoa, fiji, 1)).toEqual(fiji);
    expect(between(london, paris, 0)).toEqual(london);
  });
});

describe('offset over 180 degrees of longitude', () => {
  it('normalizes the longitude', () => {
    const { lng } = offset({ lat: 0, lng: 179.9999 }, { north: 0, east: 100 });
    expect(lng).toBeLessThan(-179.999);
    expect(offset({ lat: 0, lng }, { north: 0, east: -100 }).lng).toBeCloseTo(179.9999, 6);
  });
});

describe('flatDistance and Chords', () => {
  it('approximate distances in a city, also across the antimeridian', () => {
    const places = [
      { lat: 37.78, lng: -122.42 },
      { lat: 37.8, lng: -122.39 },
      { lat: -16.8, lng: 179.99 },
      { lat: -16.81, lng: -179.98 },
    ];
    const chords = new Chords(places);
    for (const [from, to] of [
      [0, 1],
      [2, 3],
    ] as const) {
      const meters = distanceMeters(places[from]!, places[to]!);
      expect(meters).toBeLessThan(5_000);
      const { lat, lng } = places[to]!;
      expect(Math.abs(flatDistance(places[from]!)(lat, lng) - meters)).toBeLessThan(2);
      expect(chords.meters(from, to)).toBeCloseTo(metersBetween(places[from]!, places[to]!), 2);
    }
    expect(chords.meters(0, 2)).toBeLessThan(distanceMeters(places[0]!, places[2]!));
  });
});
