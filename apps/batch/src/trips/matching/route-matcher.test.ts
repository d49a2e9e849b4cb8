import type { CityFile } from '@hailstream/events/city-file';
import { buildRoadGraph } from '@hailstream/roads';
import {
  EAST,
  NORTH,
  randomDrive,
  roadsOf,
  seededRandom,
  withNoise,
  type KnownDrive,
  type Point,
} from '@hailstream/roads/testing';
import { describe, expect, it } from 'vitest';
import type { Fix } from '../path/fix.js';
import { measurePath } from '../path/measure-path.js';
import { RouteMatcher } from './route-matcher.js';

const BLOCK_METERS = 120;
const BLOCKS = 12;

/** Streets in both directions at equal distances, between 0, 0 and the north-east. */
const lines = Array.from({ length: BLOCKS }, (_, line) => {
  const places = Array.from({ length: BLOCKS }, (_none, place) => place * BLOCK_METERS);
  const at = line * BLOCK_METERS;
  return [
    { points: places.map((place): Point => [place, at]) },
    { points: places.map((place): Point => [at, place]) },
  ];
}).flat();

function cityOf(...roads: Parameters<typeof roadsOf>): CityFile {
  const features = roadsOf(...roads);
  const all = features.flatMap(({ geometry }) => geometry.coordinates);
  const [lngs, lats] = [all.map(([lng]) => lng), all.map(([, lat]) => lat)];
  return {
    type: 'FeatureCollection',
    name: 'Test',
    bbox: [Math.min(...lngs), Math.min(...lats), Math.max(...lngs), Math.max(...lats)],
    attribution: 'none',
    features,
  };
}

const grid = cityOf(...lines);

const fixAt = ([x, y]: Point, seconds: number): Fix => ({
  at: seconds * 1_000,
  lat: y / NORTH,
  lng: x / EAST,
  speed: null,
  heading: null,
  accuracy: 5,
});

/** The fixes of a drive, every few seconds, with the first and the last one. */
function fixesOf({ points }: KnownDrive, everySeconds: number, seed: number): Fix[] {
  return withNoise(points, { meters: 3, random: seededRandom(seed) })
    .filter((_, index) => index % everySeconds === 0 || index === points.length - 1)
    .map(({ lat, lng, timestamp }) => ({
      at: timestamp,
      lat,
      lng,
      speed: null,
      heading: null,
      accuracy: 4.5,
    }));
}

function match(matcher: RouteMatcher, fixes: readonly Fix[]) {
  return matcher.match(fixes, measurePath(fixes[0]!, fixes.slice(1, -1), fixes.at(-1)!).meters!);
}

/** Fixes on a line through some places, every five seconds at 10 m/s. */
function along(...places: Point[]): Fix[] {
  const fixes = [fixAt(places[0]!, 0)];
  let seconds = 0;
  for (let leg = 1; leg < places.length; leg += 1) {
    const [[fromX, fromY], [toX, toY]] = [places[leg - 1]!, places[leg]!];
    const steps = Math.ceil(Math.hypot(toX - fromX, toY - fromY) / 50);
    for (let step = 1; step <= steps; step += 1) {
      seconds += 5;
      const share = step / steps;
      fixes.push(fixAt([fromX + (toX - fromX) * share, fromY + (toY - fromY) * share], seconds));
    }
  }
  return fixes;
}

describe(RouteMatcher, () => {
  it.each([1, 5, 10])('measures drives on known roads, with noise and a fix every %s s', (everySeconds) => {
    const graph = buildRoadGraph(grid);
    const matcher = new RouteMatcher([grid]);
    for (let seed = 1; seed <= 20; seed += 1) {
      const drive = randomDrive(graph, { seconds: 240, random: seededRandom(seed) });
      const fixes = fixesOf(drive, everySeconds, seed + 100);
      const { meters, share } = match(matcher, fixes)!;
      expect(share).toBeGreaterThan(0.95);
      // Noise moves both ends of the way by some metres.
      const tolerance = Math.max(15, 0.01 * drive.meters);
      expect(Math.abs(meters! - drive.meters), `${meters} of ${drive.meters} m, seed ${seed}`).toBeLessThan(
        tolerance,
      );
    }
  });

  it('measures corners that lie between sparse fixes', () => {
    // A fix before and after each corner: the straight line between them has 85 m, the way 120 m.
    const places: Point[] = [
      [60, 0],
      [120, 60],
      [180, 120],
      [240, 180],
      [300, 240],
    ];
    const fixes = places.map((place, index) => fixAt(place, index * 12));
    const { meters } = match(new RouteMatcher([grid]), fixes)!;
    expect(meters!).toBeCloseTo(480, 0);
  });

  it('follows a longer way if the speeds show it, unless they are in another unit', () => {
    // Two one-way roads in opposite directions, which are connected at 30 m and at 70 m.
    const city = cityOf(
      {
        points: [
          [-500, 0],
          [30, 0],
          [70, 0],
        ],
        oneway: 'yes',
      },
      {
        points: [
          [70, 20],
          [30, 20],
          [-500, 20],
        ],
        oneway: 'yes',
      },
      {
        points: [
          [30, 0],
          [30, 20],
        ],
      },
      {
        points: [
          [70, 0],
          [70, 20],
        ],
      },
    );
    const places: Point[] = [
      [-260, 0],
      [-160, 0],
      [-60, 0],
      [40, 0],
      [20, 20],
      [-80, 20],
      [-180, 20],
    ];
    const metersWith = (speed: number | null): number => {
      const fixes = places.map((place, index) => ({ ...fixAt(place, index * 10), speed }));
      return match(new RouteMatcher([city]), fixes)!.meters!;
    };
    expect(metersWith(null)).toBeCloseTo(520, 0);
    expect(metersWith(10)).toBeCloseTo(600, 0);
    // 10 m/s in kilometres per hour.
    expect(metersWith(36)).toBeCloseTo(520, 0);
  });

  it('has no length of a route that leaves the roads, and says which share is on them', () => {
    const cityWithField = cityOf(...lines.slice(0, 4), {
      points: [
        [0, 1_320],
        [1_320, 1_320],
      ],
    });
    const matcher = new RouteMatcher([cityWithField]);
    expect(match(matcher, along([0, 120], [1_300, 120]))!.meters).toBeCloseTo(1_300, -1);
    const away = match(
      matcher,
      along([0, 120], [600, 120], [600, 700], [660, 700], [660, 120], [1_300, 120]),
    )!;
    expect(away.meters).toBeNull();
    expect(away.share).toBeGreaterThan(0.3);
    expect(away.share).toBeLessThan(0.7);
    const ended = match(matcher, along([0, 120], [1_200, 120], [1_200, 700]))!;
    expect(ended.meters).toBeNull();
  });

  it('does not match routes outside of the cities', () => {
    const matcher = new RouteMatcher([grid]);
    expect(match(matcher, along([5_000, 0], [6_000, 0]))).toBeNull();
    expect(match(matcher, along([600, 0], [5_000, 0]))).toBeNull();
    expect(match(new RouteMatcher([]), along([0, 0], [600, 0]))).toBeNull();
  });

  it('chooses the city with the roads of the route', () => {
    const other = cityOf(
      {
        points: [
          [0, 1_000],
          [1_320, 1_000],
        ],
      },
      {
        points: [
          [0, -1_000],
          [1_320, -1_000],
        ],
      },
    );
    const matcher = new RouteMatcher([other, grid]);
    expect(match(matcher, along([0, 120], [1_200, 120]))!.meters).toBeCloseTo(1_200, -1);
  });

  it('does not guess the way of a vehicle that was silent', () => {
    const [before, after] = [along([0, 0], [480, 0]), along([480, 480], [960, 480])];
    const later = after.map((fix) => ({ ...fix, at: fix.at + before.at(-1)!.at + 150_000 }));
    const { meters, share } = match(new RouteMatcher([grid]), [...before, ...later])!;
    expect(meters).toBeNull();
    expect(share).toBeCloseTo(960 / 1_440, 1);
  });

  it('rejects a way that contradicts the positions', () => {
    // The only connection of two parallel roads is far away.
    const comb = cityOf({
      points: [
        [0, 0],
        [600, 0],
        [600, 50],
        [0, 50],
      ],
    });
    const matcher = new RouteMatcher([comb]);
    const fixes = [
      fixAt([0, 0], 0),
      fixAt([50, 0], 30),
      fixAt([100, 0], 60),
      fixAt([50, 50], 120),
      fixAt([0, 50], 150),
    ];
    const { meters } = match(matcher, fixes)!;
    expect(meters).toBeNull();
  });
});
