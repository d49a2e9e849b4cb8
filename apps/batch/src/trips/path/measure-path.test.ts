import { Random } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import type { Fix } from './fix.js';
import { measurePath } from './measure-path.js';

/** Length of degrees at the start, in metres: the ways of the tests are short. */
const START = { lat: 43.7384, lng: 7.4246 };
const NORTH = 111_107.1;
const EAST = 80_557.7;

interface Point {
  readonly seconds: number;
  readonly east: number;
  readonly north: number;
  readonly speed: number;
  readonly heading: number;
}

interface Receiver {
  /** Standard deviation of the position per axis, in metres. */
  readonly deviation: number;
  readonly random: Random;
  readonly knowsSpeed?: boolean;
}

/** What a receiver measures. Its accuracy is the radius in which 68 % of the positions are. */
function fixesOf(points: readonly Point[], { deviation, random, knowsSpeed = true }: Receiver): Fix[] {
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
  return points.map(({ seconds, east, north, speed, heading }) => ({
    at: 1_000_000 + seconds * 1_000,
    lat: START.lat + (north + deviation * normal()) / NORTH,
    lng: START.lng + (east + deviation * normal()) / EAST,
    speed: knowsSpeed ? Math.max(0, speed + (speed > 0 ? 0.2 * normal() : 0)) : null,
    heading: knowsSpeed ? heading : null,
    accuracy: 1.51 * deviation,
  }));
}

function measure(points: readonly Point[], receiver: Receiver) {
  const fixes = fixesOf(points, receiver);
  return measurePath(fixes[0]!, fixes.slice(1, -1), fixes.at(-1)!);
}

/** Around blocks of a city: 200 m, a turn to the right or left in 6 s, and so on, at 10 m/s; a stop of 40 s at every third turn. */
function drive(every = 1): { points: Point[]; meters: number; dwellSeconds: number } {
  const points: Point[] = [];
  let [seconds, east, north, heading, meters, dwellSeconds] = [0, 0, 0, 0, 0, 0];
  const step = (speed: number, turn: number): void => {
    if (seconds % every === 0)
      points.push({ seconds, east, north, speed, heading: ((heading % 360) + 360) % 360 });
    // A hundred parts of a second, so that the way is an arc.
    for (let part = 0; part < 100; part += 1) {
      heading += turn / 100;
      east += (Math.sin((heading * Math.PI) / 180) * speed) / 100;
      north += (Math.cos((heading * Math.PI) / 180) * speed) / 100;
    }
    meters += speed;
    seconds += 1;
  };
  for (let block = 0; block < 24; block += 1) {
    for (let second = 0; second < 20; second += 1) step(10, 0);
    for (let second = 0; second < 6; second += 1) step(5, (block % 4 < 2 ? 90 : -90) / 6);
    if (block % 3 !== 2) continue;
    for (let second = 0; second < 40; second += 1) step(0, 0);
    dwellSeconds += 40;
  }
  points.push({ seconds, east, north, speed: 0, heading: 0 });
  return { points, meters, dwellSeconds };
}

describe(measurePath, () => {
  it.each([
    ['an exact receiver', { deviation: 0.01 }, 0.004],
    ['noise of 3 m', { deviation: 3 }, 0.01],
    ['noise of 5 m', { deviation: 5 }, 0.015],
    ['noise of 3 m, without speeds', { deviation: 3, knowsSpeed: false }, 0.03],
  ])('measures the way and the stops of a drive in a city with %s', (_, receiver, tolerance) => {
    const { points, meters, dwellSeconds } = drive();
    for (let seed = 1; seed <= 5; seed += 1) {
      const measured = measure(points, { ...receiver, random: new Random(seed) });
      expect(Math.abs(measured.meters! / meters - 1), `${measured.meters} of ${meters} m`).toBeLessThan(
        tolerance,
      );
      expect(Math.abs(measured.dwellSeconds! - dwellSeconds)).toBeLessThanOrEqual(dwellSeconds * 0.15);
    }
  });

  it('is not longer because of noise: the line through the positions is', () => {
    const { points, meters } = drive();
    const receiver = { deviation: 5, random: new Random(3) };
    const line = fixesOf(points, receiver);
    const sum = line.reduce((total, { lat, lng }, index) => {
      const last = line[index - 1] ?? { lat, lng };
      return total + Math.hypot((lat - last.lat) * NORTH, (lng - last.lng) * EAST);
    }, 0);
    expect(sum / meters).toBeGreaterThan(1.3);
  });

  it.each([true, false])('has no way of a vehicle that stands for an hour, with speeds: %s', (knowsSpeed) => {
    const points = Array.from({ length: 3_600 }, (_, seconds) => ({
      seconds,
      east: 0,
      north: 0,
      speed: 0,
      heading: 0,
    }));
    const { meters, dwellSeconds, maxSpeed } = measure(points, {
      deviation: 4,
      random: new Random(5),
      knowsSpeed,
    });
    expect(meters!).toBeLessThan(knowsSpeed ? 60 : 120);
    expect(dwellSeconds!).toBeGreaterThan(3_300);
    expect(maxSpeed).toBe(knowsSpeed ? 0 : null);
  });

  it('does not lengthen the way at stops during which a device reports less often', () => {
    const { points, meters } = drive();
    // While the vehicle stands, one point of five is sent, and not the one at which it stops.
    const sparse = points.filter(({ speed, seconds }) => speed > 0 || seconds % 5 === 4);
    for (let seed = 1; seed <= 5; seed += 1) {
      const measured = measure(sparse, { deviation: 2, random: new Random(seed) });
      expect(Math.abs(measured.meters! / meters - 1)).toBeLessThan(0.008);
    }
  });

  it('does not lengthen a way that ends some seconds after the vehicle has stopped', () => {
    // At 9 m/s to the stop 6 m further; the only fix after it is that of the event at the end.
    const points = Array.from({ length: 20 }, (_, seconds) => ({
      seconds,
      east: seconds * 9,
      north: 0,
      speed: 9,
      heading: 90,
    }));
    const end = { seconds: 22.7, east: 19 * 9 + 6, north: 0, speed: 0, heading: 90 };
    for (let seed = 1; seed <= 5; seed += 1) {
      const fixes = fixesOf([...points, end], { deviation: 0.2, random: new Random(seed) });
      const { meters } = measurePath(
        fixes[0]!,
        fixes.slice(1, -1).map((fix) => ({ ...fix, accuracy: 4 })),
        { ...fixes.at(-1)!, accuracy: 4 },
      );
      expect(Math.abs(meters! - end.east), `${meters} m, seed ${seed}`).toBeLessThan(2);
    }
  });

  it('does not count the speed of an event that repeats the last position', () => {
    const { points } = drive();
    const moving = points.slice(0, 20);
    const fixes = fixesOf(moving, { deviation: 0.01, random: new Random(8) });
    const last = fixes.at(-1)!;
    const { meters } = measurePath(fixes[0]!, fixes.slice(1), { ...last, at: last.at + 900 });
    expect(meters!).toBeCloseTo(measurePath(fixes[0]!, fixes.slice(1, -1), last).meters!, 6);
    expect(Math.abs(meters! - 190)).toBeLessThan(2);
  });

  it('believes the speeds of a short way with a turn', () => {
    // Out for 5 s, and back in almost the same lane.
    const course = (170 * Math.PI) / 180;
    const points = Array.from({ length: 9 }, (_, seconds) => {
      const [out, back] = [Math.min(seconds, 5) * 7, Math.max(0, seconds - 5) * 7];
      const [east, north] = [back * Math.sin(course), out + back * Math.cos(course)];
      return { seconds, east, north, speed: 7, heading: seconds < 6 ? 0 : 170 };
    });
    const { meters } = measure(points, { deviation: 2.6, random: new Random(9) });
    expect(Math.abs(meters! - 56)).toBeLessThan(3);
  });

  it('believes the speeds of a way that turns all the time, whose corners the smoothed positions cut', () => {
    // Two and a half rounds on a circle with a radius of 7 m, at 4.8 m/s.
    const points = Array.from({ length: 25 }, (_, seconds) => {
      const course = (4.8 / 7) * seconds;
      const [east, north] = [7 * (1 - Math.cos(course)), 7 * Math.sin(course)];
      return { seconds, east, north, speed: 4.8, heading: ((course * 180) / Math.PI) % 360 };
    });
    for (let seed = 1; seed <= 5; seed += 1) {
      const fixes = fixesOf(points, { deviation: 0.8, random: new Random(seed) }).map((fix) => ({
        ...fix,
        accuracy: 4,
      }));
      const { meters } = measurePath(fixes[0]!, fixes.slice(1, -1), fixes.at(-1)!);
      expect(Math.abs(meters! / (24 * 4.8) - 1), `${meters} m, seed ${seed}`).toBeLessThan(0.03);
    }
  });

  it.each([
    ['kilometres per hour', 3.6],
    ['miles per hour', 2.237],
    ['knots', 1.944],
    ['metres per second, but a third too large', 4 / 3],
    ['metres per second, but a third too small', 2 / 3],
  ])('does not believe speeds in %s', (_, factor) => {
    const { points, meters } = drive();
    const wrong = points.map((point) => ({ ...point, speed: point.speed * factor }));
    for (let seed = 10; seed <= 14; seed += 1) {
      const measured = measure(wrong, { deviation: 3, random: new Random(seed) });
      expect(Math.abs(measured.meters! / meters - 1)).toBeLessThan(0.05);
    }
  });

  it('believes speeds whose courses are always north, by the positions alone', () => {
    const { points, meters } = drive();
    const north = points.map((point) => ({ ...point, heading: 0 }));
    const measured = measure(north, { deviation: 3, random: new Random(11) });
    expect(Math.abs(measured.meters! / meters - 1)).toBeLessThan(0.02);
  });

  it('omits positions that the vehicle cannot have reached', () => {
    const { points, meters } = drive();
    const far = points.map((point, index) =>
      index % 50 === 25 ? { ...point, east: point.east + 50_000 } : point,
    );
    const measured = measure(far, { deviation: 1, random: new Random(6) });
    expect(Math.abs(measured.meters! / meters - 1)).toBeLessThan(0.01);
  });

  it('has the times without positions for more than two minutes, and the straight way between', () => {
    const point = (seconds: number): Point => ({
      seconds,
      east: seconds * 10,
      north: 0,
      speed: 10,
      heading: 90,
    });
    const points = [0, 60, 120, 241, 300, 420, 540.001].map(point);
    const { silences, meters, points: count } = measure(points, { deviation: 0.01, random: new Random(1) });
    expect(silences).toEqual([
      { from: 1_120_000, to: 1_241_000 },
      { from: 1_420_000, to: 1_540_001 },
    ]);
    expect(meters! / 5_400).toBeCloseTo(1, 3);
    expect(count).toBe(5);
  });

  it('knows no way without telemetry', () => {
    const [start, end] = fixesOf(
      [0, 60].map((seconds) => ({ seconds, east: seconds, north: 0, speed: 1, heading: 0 })),
      { deviation: 1, random: new Random(1) },
    );
    expect(measurePath(start!, [], end!)).toMatchObject({
      meters: null,
      dwellSeconds: null,
      points: 0,
      line: [],
    });
  });

  it('is the same across the antimeridian', () => {
    const along = (lng: number): Fix[] =>
      Array.from({ length: 60 }, (_, second) => {
        const east = lng + second * 1e-4;
        return {
          at: second * 1_000,
          lat: 0,
          lng: east > 180 ? east - 360 : east,
          speed: 11.13,
          heading: 90,
          accuracy: 3,
        };
      });
    const [one, other] = [10, 179.997].map((lng) => {
      const fixes = along(lng);
      return measurePath(fixes[0]!, fixes.slice(1, -1), fixes.at(-1)!).meters!;
    });
    expect(other! / one!).toBeCloseTo(1, 6);
  });
});
