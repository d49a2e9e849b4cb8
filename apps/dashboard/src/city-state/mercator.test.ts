import { describe, expect, it } from 'vitest';
import { distanceMeters, latOfWorldY, lngOfWorldX, worldX, worldY } from './mercator.js';

describe('world coordinates', () => {
  it('go from the north-west to the south-east', () => {
    expect([worldX(-180), worldX(0), worldX(180)]).toEqual([0, 0.5, 1]);
    expect(worldY(0)).toBeCloseTo(0.5, 12);
    expect(worldY(85.0511287798066)).toBeCloseTo(0, 9);
  });

  it('convert back to the same degrees', () => {
    expect(lngOfWorldX(worldX(7.42))).toBeCloseTo(7.42, 9);
    expect(latOfWorldY(worldY(43.73))).toBeCloseTo(43.73, 9);
  });
});

describe('distanceMeters', () => {
  it('measures a minute of latitude as a nautical mile', () => {
    expect(distanceMeters({ lat: 43, lng: 7 }, { lat: 43 + 1 / 60, lng: 7 })).toBeCloseTo(1853, 0);
  });

  it('measures degrees of longitude shorter away from the equator', () => {
    expect(distanceMeters({ lat: 60, lng: 7 }, { lat: 60, lng: 8 })).toBeCloseTo(55_597, -1);
  });
});
