import { distanceMeters } from '@hailstream/roads';
import { describe, expect, it } from 'vitest';
import { monaco as city, monacoGraph } from './_monaco.js';

describe('cities/monaco.geojson', () => {
  it('has all roads', () => {
    const oneway = city.features.filter(({ properties }) => properties.oneway !== undefined);
    let meters = 0;
    for (const { geometry } of city.features) {
      for (const [place, [lng, lat]] of geometry.coordinates.entries()) {
        const before = geometry.coordinates[place - 1];
        if (before !== undefined) meters += distanceMeters({ lng: before[0], lat: before[1] }, { lng, lat });
      }
    }
    expect(city.features.length).toBe(502);
    expect(oneway.length).toBe(246);
    expect(meters / 1_000).toBeCloseTo(60.314, 2);
  });

  it('has an attribution, and lies within its bounding box', () => {
    expect(city.attribution).toContain('OpenStreetMap');
    const [west, south, east, north] = city.bbox;
    for (const [lng, lat] of city.features.flatMap(({ geometry }) => geometry.coordinates)) {
      expect(lng >= west && lng <= east && lat >= south && lat <= north).toBe(true);
    }
  });

  it('has a road network that is connected except for a few dead ends', () => {
    const coordinates = new Set(city.features.flatMap(({ geometry }) => geometry.coordinates.map(String)));
    expect(monacoGraph.nodes.length).toBeGreaterThan(coordinates.size * 0.9);
  });
});
