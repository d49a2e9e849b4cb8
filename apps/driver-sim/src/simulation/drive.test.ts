import { METERS_PER_DEGREE, type RoadEdge, type RoadGraph } from '@hailstream/roads';
import { describe, expect, it } from 'vitest';
import { Drive, toTheRight } from './drive.js';

/** A street at the equator with a speed limit of 14 m/s: 500 m east, then 500 m north. */
const corner = graphOf([0, 0], [0, 500], [500, 500]);

function graphOf(...points: [north: number, east: number][]): RoadGraph {
  const nodes = points.map(([north, east], index) => ({
    index,
    lat: north / METERS_PER_DEGREE,
    lng: east / METERS_PER_DEGREE,
    edges: [],
    isJunction: false,
  }));
  return { nodes, unreachable: 0, maxSpeed: 14 };
}

const edges: RoadEdge[] = [
  { from: 0, to: 1, meters: 500, speed: 14, heading: 90 },
  { from: 1, to: 2, meters: 500, speed: 14, heading: 0 },
];

/** Advances second by second until the drive is done. */
function driven(drive: Drive) {
  const seconds: { speed: number; meters: number; lat: number; lng: number; heading: number | undefined }[] =
    [];
  while (!drive.isDone && seconds.length < 1_000) {
    drive.advance(1);
    const { lat, lng } = drive.position!;
    seconds.push({ speed: drive.speed, meters: drive.metersDriven, lat, lng, heading: drive.heading });
  }
  return seconds;
}

function start(change: Partial<ConstructorParameters<typeof Drive>[0]> = {}): Drive {
  return new Drive({
    graph: corner,
    edges,
    startMeters: 0,
    startSpeed: 0,
    endSpeed: 0,
    speedFactor: 1,
    ...change,
  });
}

describe(Drive, () => {
  it('stops at the destination and obeys speed limits', () => {
    const drive = start();
    const seconds = driven(drive);
    expect(drive.isDone).toBe(true);
    expect(drive.speed).toBe(0);
    expect(drive.position).toEqual({ lat: corner.nodes[2]!.lat, lng: corner.nodes[2]!.lng });
    // The step in which it arrives ends after the destination.
    expect(drive.metersDriven).toBeCloseTo(1_000, 6);
    expect(Math.max(...seconds.map(({ speed }) => speed))).toBe(14);
    expect(seconds.length).toBeGreaterThan(1_000 / 14);
  });

  it('limits acceleration and braking', () => {
    const speeds = driven(start()).map(({ speed }) => speed);
    const changes = speeds.map((speed, second) => speed - (speeds[second - 1] ?? 0)).slice(0, -1);
    expect(Math.max(...changes)).toBeLessThanOrEqual(1.8 + 1e-9);
    expect(Math.min(...changes)).toBeGreaterThanOrEqual(-4.8 - 1e-9);
  });

  it('slows down for a sharp turn and stays on the street', () => {
    const seconds = driven(start());
    const atTurn = seconds.find(({ meters }) => meters >= 499)!;
    expect(atTurn.speed).toBeLessThan(6);
    for (const { lat, lng, heading } of seconds.slice(0, -1)) {
      const isOnFirst = lat === 0 && heading === 90;
      const isOnSecond = Math.abs(lng - corner.nodes[1]!.lng) < 1e-12 && heading === 0;
      expect(isOnFirst || isOnSecond).toBe(true);
    }
  });

  it('starts at a position on an edge, and can pass the destination without stopping', () => {
    const drive = start({ startMeters: 400, startSpeed: 10, endSpeed: 5 });
    drive.advance(1);
    expect(drive.onEdge?.meters).toBeGreaterThan(408);
    driven(drive);
    expect(drive.speed).toBe(5);
  });

  it('is done immediately on an empty route', () => {
    expect(start({ edges: [] }).isDone).toBe(true);
  });
});

describe(toTheRight, () => {
  it('moves south if the heading is east', () => {
    const { lat, lng } = toTheRight({ lat: 0, lng: 0 }, 90, 2, { north: 0, east: 0 });
    expect(lat * METERS_PER_DEGREE).toBeCloseTo(-2);
    expect(lng * METERS_PER_DEGREE).toBeCloseTo(0);
  });
});
