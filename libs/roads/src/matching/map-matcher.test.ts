import { describe, expect, it } from 'vitest';
import type { Road } from '@hailstream/events/city-file';
import { EAST, NORTH, roadsOf, seededRandom, traceOf, withNoise, type Point } from '../testing.js';
import { MapMatcher, type MatchedTrace } from './map-matcher.js';
import { buildRoadNetwork, positionOnEdge, type RoadNetwork } from './road-network.js';
import type { TracePoint } from './stays.js';

/** Points at equal distances along a line. */
function along(from: Point, to: Point, count: number): Point[] {
  return Array.from({ length: count }, (_none, index): Point => {
    const share = index / (count - 1);
    return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
  });
}

/** The ends of the parts of all ways, in metres. */
function driven(network: RoadNetwork, { ways }: MatchedTrace): string[] {
  return ways.flatMap(({ parts }) =>
    parts.map(({ edge, fromMeters, toMeters }) => {
      const [start, end] = [fromMeters, toMeters].map((meters) => {
        const { lat, lng } = positionOnEdge(network, edge, meters);
        return `${Math.round(lng * EAST)},${Math.round(lat * NORTH)}`;
      });
      return `${start} → ${end}`;
    }),
  );
}

function expectNoGaps(network: RoadNetwork, matched: MatchedTrace): void {
  for (const { parts, meters } of matched.ways) {
    let total = 0;
    for (const [place, part] of parts.entries()) {
      const { edge, fromMeters, toMeters } = part;
      expect(toMeters).toBeGreaterThanOrEqual(fromMeters - 1e-6);
      expect(toMeters).toBeLessThanOrEqual(network.edgeMeters[edge]! + 1e-6);
      total += toMeters - fromMeters;
      const next = parts[place + 1];
      if (next === undefined) continue;
      if (network.reverse[edge] === next.edge) {
        expect(next.fromMeters).toBeCloseTo(network.edgeMeters[edge]! - toMeters, 5);
      } else {
        expect(toMeters).toBeCloseTo(network.edgeMeters[edge]!, 5);
        expect(next.fromMeters).toBe(0);
        expect(network.edgeFrom[next.edge]).toBe(network.edgeTo[edge]);
      }
    }
    expect(meters).toBeCloseTo(total, 6);
  }
}

function match(roads: Road[], points: readonly TracePoint[]) {
  const network = buildRoadNetwork(roads);
  const matched = new MapMatcher(network).match(points);
  expectNoGaps(network, matched);
  return { matched, driven: driven(network, matched) };
}

describe(MapMatcher, () => {
  it('follows a road around a corner, and measures it on the ellipsoid', () => {
    const roads = roadsOf(
      {
        points: [
          [0, 0],
          [200, 0],
          [200, 100],
        ],
      },
      {
        points: [
          [200, 0],
          [400, 0],
        ],
      },
    );
    const points = [...along([10, 4], [195, -4], 20), ...along([204, 10], [196, 90], 9)];
    const { matched, driven: ways } = match(roads, traceOf(points));
    expect(ways).toEqual(['10,0 → 200,0', '200,0 → 200,90']);
    expect(matched.meters).toBeCloseTo(280, 0);
    expect(matched.breaks).toEqual([]);
    expect(matched.places.every((place) => place !== undefined)).toBe(true);
  });

  it('follows a hairpin bend whose arms are close to each other', () => {
    const roads = roadsOf({
      points: [
        [0, 0],
        [300, 0],
        [310, 6],
        [300, 12],
        [0, 12],
      ],
    });
    const points = [...along([20, 5], [295, 5], 28), [311, 6] as Point, ...along([290, 7], [15, 7], 28)];
    const { matched } = match(roads, traceOf(points));
    expect(matched.breaks).toEqual([]);
    expect(matched.places).not.toContain(undefined);
    expect(matched.meters).toBeGreaterThan(570);
    expect(matched.meters).toBeLessThan(595);
  });

  it('follows the course of a vehicle that turns back on a road, or into one close to it', () => {
    const straight = roadsOf({
      points: [
        [0, 0],
        [300, 0],
      ],
    });
    const sharp = roadsOf(
      {
        points: [
          [0, 0],
          [200, 0],
        ],
      },
      {
        points: [
          [200, 0],
          [0, 30],
        ],
      },
      {
        points: [
          [200, 0],
          [300, 0],
        ],
      },
    );
    const out = along([160, 0], [200, 0], 9).map((point) => ({ point, heading: 90 }));
    const back = along([200, 0], [160, 0], 9).map((point) => ({ point, heading: 270 }));
    const onArm = along([200, 0], [160, 6], 9).map((point) => ({ point, heading: 278 }));
    for (const [roads, course] of [
      [straight, [...out, ...back.slice(1)]],
      [sharp, [...out, ...onArm.slice(1)]],
    ] as const) {
      const points = traceOf(course.map(({ point }) => point));
      const withCourse = points.map((point, index) => ({ ...point, heading: course[index]!.heading }));
      expect(Math.abs(match(roads, withCourse).matched.meters - 80)).toBeLessThan(2);
      // Without it, a way of 40 m and back may be noise.
      expect(match(roads, points).matched.meters).toBeLessThan(60);
    }
  });

  it('follows the course of a vehicle around a bend that is smaller than a stay', () => {
    const roads = roadsOf({
      points: [
        [0, -40],
        [0, 20],
        [4, 24],
        [8, 20],
        [8, -100],
      ],
    });
    const up = [0, 2, 6, 12, 20].map((y) => ({ point: [0, y] as Point, heading: 0 }));
    const down = along([8, 20], [8, -52], 10).map((point) => ({ point, heading: 180 }));
    const course = [...up, { point: [4, 24] as Point, heading: 90 }, ...down];
    const points = traceOf(course.map(({ point }) => point));
    const withCourse = points.map((point, index) => ({ ...point, heading: course[index]!.heading }));
    expect(match(roads, withCourse).matched.meters).toBeCloseTo(20 + 2 * Math.hypot(4, 4) + 72, 0);
    expect(match(roads, points).matched.meters).toBeLessThan(60);
  });

  it('uses one-way streets in their direction', () => {
    // Two carriageways, 12 m apart, each closer to the points of the other direction.
    const roads = roadsOf(
      {
        points: [
          [0, 0],
          [300, 0],
        ],
        oneway: 'yes',
      },
      {
        points: [
          [0, 12],
          [300, 12],
        ],
        oneway: '-1',
      },
      {
        points: [
          [300, 0],
          [300, 12],
        ],
      },
      {
        points: [
          [0, 0],
          [0, 12],
        ],
      },
    );
    const east = along([10, 7], [290, 7], 30);
    const west = along([290, 5], [10, 5], 30);
    expect(match(roads, traceOf(east)).driven).toEqual(['10,0 → 290,0']);
    expect(match(roads, traceOf(west)).driven).toEqual(['290,12 → 10,12']);
  });

  it('stays on one of two parallel roads in spite of noise', () => {
    const roads = roadsOf(
      {
        points: [
          [0, 0],
          [600, 0],
        ],
      },
      {
        points: [
          [0, 25],
          [600, 25],
        ],
      },
      {
        points: [
          [0, 0],
          [0, 25],
        ],
      },
      {
        points: [
          [600, 0],
          [600, 25],
        ],
      },
    );
    const random = seededRandom(3);
    const noisy = withNoise(traceOf(along([20, 0], [580, 0], 57)), { meters: 8, random });
    expect(noisy.filter(({ lat }) => lat * NORTH > 12.5).length).toBeGreaterThan(0);
    const { matched } = match(roads, noisy);
    expect(matched.ways[0]!.parts).toHaveLength(1);
    expect(Math.abs(matched.meters - 560)).toBeLessThan(30);
  });

  it('does not change to a road that crosses on a bridge', () => {
    const roads = roadsOf(
      {
        points: [
          [0, 0],
          [200, 0],
        ],
      },
      {
        points: [
          [100, -100],
          [100, 100],
        ],
      },
    );
    const points = [...along([10, 0], [98, 0], 10), [101, 9] as Point, ...along([110, 0], [190, 0], 9)];
    expect(match(roads, traceOf(points)).driven).toEqual(['10,0 → 190,0']);
  });

  it('recognizes a U-turn on a road and in a dead end', () => {
    const roads = roadsOf(
      {
        points: [
          [0, 0],
          [500, 0],
        ],
      },
      {
        points: [
          [0, 0],
          [0, 300],
        ],
      },
    );
    const onRoad = [...along([50, 0], [250, 0], 21), ...along([240, 0], [60, 0], 19)];
    // Points close to each other are one position, which shortens the way at the turn by less than their distance.
    const [there, back, ...others] = match(roads, traceOf(onRoad)).driven;
    expect(others).toEqual([]);
    const turn = Number(/^50,0 → (\d+),0$/.exec(there ?? '')?.[1]);
    expect(turn).toBeGreaterThan(230);
    expect(turn).toBeLessThanOrEqual(250);
    expect(back).toBe(`${turn},0 → 60,0`);
    const inDeadEnd = [...along([300, 0], [490, 0], 20), ...along([480, 0], [300, 0], 19)];
    expect(match(roads, traceOf(inDeadEnd)).driven).toEqual(['300,0 → 500,0', '500,0 → 300,0']);
  });

  it('leaves points off the roads without a place, and continues after them', () => {
    const roads = roadsOf({
      points: [
        [0, 0],
        [400, 0],
      ],
    });
    const points = [
      ...along([10, 0], [150, 0], 15),
      [160, 200],
      [170, 200],
      ...along([180, 0], [390, 0], 22),
    ] as Point[];
    const { matched, driven: ways } = match(roads, traceOf(points));
    expect(ways).toEqual(['10,0 → 390,0']);
    expect(matched.places.flatMap((place, index) => (place === undefined ? [index] : []))).toEqual([15, 16]);
    expect(matched.breaks).toEqual([]);
  });

  it('omits an outlier on another road', () => {
    const roads = roadsOf(
      {
        points: [
          [0, 0],
          [400, 0],
        ],
      },
      {
        points: [
          [0, 900],
          [400, 900],
        ],
      },
    );
    const points = [...along([10, 0], [200, 0], 20), [205, 900] as Point, ...along([210, 0], [390, 0], 19)];
    const { matched, driven: ways } = match(roads, traceOf(points));
    expect(ways).toEqual(['10,0 → 390,0']);
    expect(matched.places[20]).toBeUndefined();
  });

  it('reports a break if there is no way on, and after a long time without points', () => {
    const roads = roadsOf(
      {
        points: [
          [0, 0],
          [400, 0],
        ],
      },
      {
        points: [
          [0, 900],
          [400, 900],
        ],
      },
    );
    const points = [...along([10, 0], [200, 0], 20), ...along([200, 900], [390, 900], 20)];
    const apart = match(roads, traceOf(points));
    expect(apart.matched.breaks).toEqual([{ point: 20, reason: 'no-way' }]);
    // The points before and after the break are means of a few.
    expect(apart.driven).toEqual(['10,0 → 190,0', '215,900 → 390,900']);

    const late = traceOf(along([10, 0], [390, 0], 39)).map((point, index) => ({
      ...point,
      timestamp: point.timestamp + (index < 20 ? 0 : 400_000),
    }));
    const { matched, driven: ways } = match(roads, late);
    expect(matched.breaks).toEqual([{ point: 20, reason: 'gap' }]);
    expect(ways).toEqual(['10,0 → 200,0', '210,0 → 390,0']);
  });

  it('adds no distance while a vehicle stands at a junction', () => {
    const roads = roadsOf(
      {
        points: [
          [0, 0],
          [200, 0],
          [400, 0],
        ],
      },
      {
        points: [
          [200, -200],
          [200, 0],
          [200, 200],
        ],
      },
      {
        points: [
          [200, 0],
          [230, 30],
          [260, 0],
        ],
      },
      {
        points: [
          [260, 0],
          [260, 100],
        ],
      },
    );
    for (const seed of [1, 2, 3, 4, 5]) {
      const still = Array.from({ length: 900 }, (): Point => [195, 0]);
      const points = traceOf([...along([15, 0], [195, 0], 19), ...still, ...along([205, 0], [385, 0], 19)]);
      const { matched } = match(roads, withNoise(points, { meters: 5, random: seededRandom(seed) }));
      expect(matched.breaks).toEqual([]);
      // The line through the points is several kilometres long.
      expect(matched.meters).toBeGreaterThan(340);
      expect(matched.meters).toBeLessThan(430);
    }
  });

  it('returns nothing for an empty trace, for an empty network and off all roads', () => {
    const nothing = { ways: [], breaks: [], meters: 0 };
    const roads = roadsOf({
      points: [
        [0, 0],
        [200, 0],
      ],
    });
    expect(match(roads, []).matched).toMatchObject(nothing);
    expect(match([], traceOf([[0, 0]])).matched).toMatchObject(nothing);
    expect(
      match(
        roads,
        traceOf([
          [0, 5_000],
          [9, 5_000],
        ]),
      ).matched,
    ).toMatchObject(nothing);
    expect(match(roads, traceOf([[50, 3]])).matched).toMatchObject({ breaks: [], meters: 0 });
  });
});
