import type { City } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { roadStyle } from './road-style.js';
import { speedColor } from './speed-ramp.js';

const city: City = {
  name: 'Here',
  bbox: { west: 0, south: 0, east: 1, north: 1 },
  attribution: 'someone',
  mapStyleUrl: null,
  roads: { type: 'FeatureCollection', features: [] },
  areas: { type: 'FeatureCollection', features: [] },
  waterExtents: [],
  places: { type: 'FeatureCollection', features: [] },
};

describe('roadStyle', () => {
  it.each(['light', 'dark'] as const)('loads nothing from the network in the %s theme', (theme) => {
    const style = roadStyle(city, theme);
    expect(JSON.stringify(style)).not.toMatch(/https?:|\/\//);
    expect([style.glyphs, style.sprite]).toEqual([undefined, undefined]);
  });

  it('draws areas below roads, casings below all roads, main roads above minor ones, and names above', () => {
    const ids = roadStyle(city, 'dark').layers.map(({ id }) => id);
    expect(ids).toEqual([
      'land',
      'park',
      'water',
      'fade',
      'building',
      'road-minor-casing',
      'road-middle-casing',
      'road-main-casing',
      'road-minor',
      'road-middle',
      'road-main',
      'places',
    ]);
  });
});

describe('speedColor', () => {
  it('goes from one end of the ramp to the other and stays there', () => {
    expect(speedColor(0, 'dark')).toEqual([116, 78, 178, 255]);
    expect(speedColor(null, 'dark')).toEqual(speedColor(0, 'dark'));
    expect(speedColor(60 / 3.6, 'dark')).toEqual([244, 226, 110, 255]);
    expect(speedColor(100, 'dark', 40)).toEqual([244, 226, 110, 40]);
  });
});
