import { describe, expect, it } from 'vitest';
import type { Road } from '@hailstream/events/city-file';
import { roadsOf, traceOf } from '../testing.js';
import { MapMatcher } from './map-matcher.js';
import { buildRoadNetwork } from './road-network.js';
import type { TracePoint } from './stays.js';

/** The length of the way that is matched, in metres. */
function matchedMeters(roads: readonly Road[], points: readonly TracePoint[]): number {
  return new MapMatcher(buildRoadNetwork(roads)).match(points).meters;
}

describe('matching with speeds', () => {
  it('follows a vehicle around a bend to a place close by, if its speed shows that it drove there', () => {
    // The arms of the bend are closer to each other than the points of a stay.
    const roads = roadsOf({
      points: [
        [-200, 0],
        [50, 0],
        [50, 12],
        [-200, 12],
      ],
    });
    const points = traceOf(
      [
        [-100, 0],
        [0, 0],
        [2, 10],
        [2, 10],
      ],
      10,
    );
    const trace = points.map((point, index) => (index < 2 ? { ...point, heading: 90 } : point));
    expect(matchedMeters(roads, trace)).toBeCloseTo(102, 0);
    const speeds = [10, 14, 0, 0];
    const withSpeeds = trace.map((point, index) => ({ ...point, speed: speeds[index]! }));
    expect(matchedMeters(roads, withSpeeds)).toBeCloseTo(150 + 12 + 48, 0);
  });

  it('takes the longer one of two ways only if the vehicle was fast enough for it', () => {
    // Two one-way roads in opposite directions, which are connected at 30 m and at 70 m.
    const roads = roadsOf(
      {
        points: [
          [-100, 0],
          [30, 0],
          [70, 0],
        ],
        oneway: 'yes',
      },
      {
        points: [
          [70, 20],
          [30, 20],
          [-100, 20],
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
    const trace = traceOf(
      [
        [-60, 0],
        [40, 0],
        [20, 20],
        [-80, 20],
      ],
      10,
    );
    const metersWith = (speed: number): number =>
      matchedMeters(
        roads,
        trace.map((point) => ({ ...point, speed })),
      );
    const [near, far] = [90 + 20 + 110, 130 + 20 + 150];
    expect(matchedMeters(roads, trace)).toBeCloseTo(near, 0);
    expect(metersWith(10)).toBeCloseTo(far, 0);
    expect(metersWith(3)).toBeCloseTo(near, 0);
  });

  it('does not use speeds of points that are more than 30 s apart', () => {
    const roads = roadsOf({
      points: [
        [-200, 0],
        [50, 0],
        [50, 12],
        [-200, 12],
      ],
    });
    const points = traceOf(
      [
        [-100, 0],
        [0, 0],
        [2, 10],
        [2, 10],
      ],
      31,
    );
    const speeds = [10, 14, 0, 0];
    const trace = points.map((point, index) => (index < 2 ? { ...point, heading: 90 } : point));
    const withSpeeds = trace.map((point, index) => ({ ...point, speed: speeds[index]! }));
    expect(matchedMeters(roads, withSpeeds)).toBe(matchedMeters(roads, trace));
  });
});
