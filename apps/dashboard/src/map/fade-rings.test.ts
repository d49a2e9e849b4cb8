import { describe, expect, it } from 'vitest';
import { fadeRings } from './fade-rings.js';

const extent = {
  water: { west: 7.36, south: 43.69, east: 7.48, north: 43.79 },
  roads: { west: 7.4, south: 43.72, east: 7.44, north: 43.75 },
};
const { features } = fadeRings([extent]);

/** The opacities of the rings at a place, by the even-odd rule. */
function opacitiesAt(lng: number, lat: number): number[] {
  return features
    .filter(({ geometry }) => {
      let isInside = false;
      for (const ring of geometry.coordinates) {
        for (const [index, [toLng, toLat]] of (ring as [number, number][]).entries()) {
          const [fromLng, fromLat] = ring.at(index - 1) as [number, number];
          if (fromLat > lat === toLat > lat) continue;
          if (lng < fromLng + ((toLng - fromLng) * (lat - fromLat)) / (toLat - fromLat)) isInside = !isInside;
        }
      }
      return isInside;
    })
    .map(({ properties }) => properties.opacity);
}

describe(fadeRings, () => {
  it('leaves the roads of the city as they are', () => {
    // Between two points, the polygon is a little inside of its ellipse.
    const { west, south, east, north } = extent.roads;
    const places = [
      [7.42, 43.735],
      [west, south],
      [west, north],
      [east, south],
      [east, north],
    ] as const;
    for (const [lng, lat] of places) expect(Math.max(0, ...opacitiesAt(lng, lat))).toBeLessThan(0.001);
  });

  it('covers the whole edge of the water', () => {
    const { west, south, east, north } = extent.water;
    for (let share = 0; share <= 1; share += 0.05) {
      const [lng, lat] = [west + (east - west) * share, south + (north - south) * share];
      for (const [x, y] of [
        [lng, south],
        [lng, north],
        [west, lat],
        [east, lat],
      ] as const) {
        expect(Math.max(0, ...opacitiesAt(x, y))).toBeGreaterThan(0.99);
      }
    }
  });

  it('becomes more opaque in small steps from the roads outwards, without gaps or overlaps', () => {
    let before = 0;
    for (let lng = 7.4501; lng < 7.4799; lng += 0.0003) {
      const opacities = opacitiesAt(lng, 43.7403);
      expect(opacities.length).toBeLessThanOrEqual(1);
      const opacity = opacities[0] ?? 0;
      expect(opacity).toBeGreaterThanOrEqual(before);
      expect(opacity - before).toBeLessThan(0.06);
      before = opacity;
    }
    expect(before).toBeGreaterThan(0.98);
  });

  it('has no rings without water', () => {
    expect(fadeRings([]).features).toEqual([]);
  });
});
