import { describe, expect, it } from 'vitest';
import {
  centralRings,
  labelSpot,
  mapFrame,
  mapPath,
  scaleBar,
  shadeLimits,
  shadeOf,
  shadeRanges,
} from './report-map.js';

const SIZE = { width: 420, maxHeight: 460, margin: 14, bottom: 28 };

describe(mapFrame, () => {
  const far = [10, 60, 10.1, 60, 10.1, 60.1, 10, 60.1];

  it('has north up and east right, and all corners within the drawing', () => {
    const frame = mapFrame([far], SIZE);
    const [first, east, north] = [frame.point(10, 60), frame.point(10.1, 60), frame.point(10, 60.1)];
    expect(north[1]).toBeLessThan(first[1]);
    expect(east[0]).toBeGreaterThan(first[0]);
    // At 60° a degree of longitude is half as long as one of latitude.
    expect((first[1] - north[1]) / (east[0] - first[0])).toBeCloseTo(2, 1);
    for (const [x, y] of [first, east, north]) {
      expect(x >= 0 && x <= frame.width && y >= 0 && y <= frame.height).toBe(true);
    }
  });

  it('is as small on both sides of the antimeridian', () => {
    const frame = mapFrame([[179.99, -17, -179.99, -17, -179.99, -17.01]], SIZE);
    expect(frame.point(-179.99, -17)[0] - frame.point(179.99, -17)[0]).toBeGreaterThan(100);
    expect(frame.point(-179.99, -17)[0]).toBeLessThanOrEqual(SIZE.width);
  });

  it('has a scale bar of a round length', () => {
    const frame = mapFrame([far], SIZE);
    const { metres, length } = scaleBar(frame);
    const [left, right] = [frame.point(10, 60.05), frame.point(10.1, 60.05)];
    // 0.1° of longitude at 60.05° is 5.55 km.
    expect((length / (right[0] - left[0])) * 5_550).toBeCloseTo(metres, -2);
    expect(metres).toBe(2_000);
  });
});

describe(mapPath, () => {
  it('closes each ring', () => {
    const frame = mapFrame([[0, 0, 1, 0, 1, 1]], SIZE);
    const path = mapPath(frame, [
      [0, 0, 1, 0, 1, 1],
      [0.2, 0.1, 0.4, 0.1, 0.4, 0.2],
    ]);
    expect(path.match(/M[\d. ]+L[\d. ]+L[\d. ]+Z/g)).toHaveLength(2);
  });
});

describe(centralRings, () => {
  const area = (lng: number, lat: number, value: number | null) => ({
    ring: [lng, lat, lng, lat, lng, lat],
    value,
  });

  it('leaves out areas with the outer hundredth of the values in a direction, and those without', () => {
    const middle = Array.from({ length: 98 }, (_, index) =>
      area(7 + index / 1_000, 43 + (index % 10) / 1_000, 10),
    );
    const far = [area(9, 43, 1), area(5, 43, 1), area(7, 50, 2), area(7.05, 43, null), area(7.05, 43, 0)];
    expect(centralRings([...far, ...middle])).toEqual(middle.map(({ ring }) => ring));
  });

  it('is the only area with a value, and empty without one', () => {
    expect(centralRings([area(7, 43, 1), area(8, 44, 0)])).toHaveLength(1);
    expect(centralRings([area(7, 43, null)])).toEqual([]);
  });
});

describe(labelSpot, () => {
  it('is in the area, also in one with the form of a U', () => {
    const frame = mapFrame([[0, 0, 3, 3]], SIZE);
    const u = [0, 0, 3, 0, 3, 3, 2, 3, 2, 1, 1, 1, 1, 3, 0, 3];
    const { x, y, width } = labelSpot(frame, [u]);
    const [left, bottom] = frame.point(0, 0);
    const [right, top] = frame.point(3, 3);
    const [lng, lat] = [((x - left) / (right - left)) * 3, ((bottom - y) / (bottom - top)) * 3];
    expect(lng > 0 && lng < 3 && lat > 0 && lat < 1).toBe(true);
    expect(width).toBeGreaterThan((right - left) / 2);
  });
});

describe(shadeLimits, () => {
  it('gives each shade about as many values, from the smallest', () => {
    const values = [11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0];
    const limits = shadeLimits(values);
    expect(shadeOf(limits, 1)).toBe(0);
    expect(shadeOf(limits, 11)).toBe(5);
    expect(shadeOf(limits, 0)).toBeNull();
    expect(shadeRanges(values)[0]).toEqual({ shade: 0, least: 1, most: 2 });
    expect(shadeRanges(values).at(-1)).toMatchObject({ shade: 5, most: 11 });
  });

  it('is empty without values', () => {
    expect([shadeLimits([]), shadeRanges([0])]).toEqual([[], []]);
  });
});
