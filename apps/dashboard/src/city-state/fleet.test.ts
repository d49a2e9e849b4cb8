import type { Figures, Frame, GoneRow, VehicleRow } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { Fleet, shorterTurn } from './fleet.js';

const figures = {} as Figures;

const providers = { 0: 'p', 1: 'q' };

function frame(vehicles: VehicleRow[], gone: GoneRow[] = []): Frame {
  return { asOf: 0, tickMs: 1000, providers, vehicles, gone, requests: [], requestsGone: [], figures };
}

const ref = (deviceId: string, providerId = 'p') => ({ deviceId, providerId });

function row(
  deviceId: string,
  lng: number,
  rest: { lat?: number; heading?: number | null; provider?: number } = {},
): VehicleRow {
  const { lat = 0, heading = 0, provider = 0 } = rest;
  return [deviceId, lat, lng, heading, 5, 'available', 'live', provider];
}

function drawnAt(fleet: Fleet, deviceId: string, now: number, providerId = 'p') {
  const into = { positions: new Float64Array(2), headings: new Float32Array(1) };
  fleet.sample(Uint32Array.of(fleet.slotOf(ref(deviceId, providerId))!), now, into);
  return { lng: into.positions[0]!, lat: into.positions[1]!, heading: into.headings[0]! };
}

function applied(...steps: { frame: Frame; now: number; whole?: boolean; glides?: boolean }[]): Fleet {
  const fleet = new Fleet();
  for (const { frame, now, whole = false, glides = true } of steps)
    fleet.apply(frame, { now, whole, glides });
  return fleet;
}

describe('Fleet', () => {
  it('shows a new vehicle at its position, without animation', () => {
    const fleet = applied({ frame: frame([row('a', 0.001)]), now: 0 });
    expect(drawnAt(fleet, 'a', 0).lng).toBe(0.001);
  });

  it('moves to the new position over one tick', () => {
    const fleet = applied(
      { frame: frame([row('a', 0)]), now: 0 },
      { frame: frame([row('a', 0.001)]), now: 1000 },
    );
    expect(drawnAt(fleet, 'a', 1000).lng).toBeCloseTo(0, 9);
    expect(drawnAt(fleet, 'a', 1250).lng).toBeCloseTo(0.00025, 9);
    expect(drawnAt(fleet, 'a', 2000).lng).toBeCloseTo(0.001, 9);
    expect(drawnAt(fleet, 'a', 9000).lng).toBeCloseTo(0.001, 9);
  });

  it('continues from the drawn position if a frame arrives early', () => {
    const fleet = applied(
      { frame: frame([row('a', 0)]), now: 0 },
      { frame: frame([row('a', 0.001)]), now: 1000 },
      { frame: frame([row('a', 0.002)]), now: 1500 },
    );
    expect(drawnAt(fleet, 'a', 1500).lng).toBeCloseTo(0.0005, 9);
    expect(drawnAt(fleet, 'a', 2500).lng).toBeCloseTo(0.002, 9);
  });

  it('finishes the move of a vehicle that is not in the next frame', () => {
    const fleet = applied(
      { frame: frame([row('a', 0)]), now: 0 },
      { frame: frame([row('a', 0.001)]), now: 1000 },
      { frame: frame([row('b', 0)]), now: 1500 },
    );
    expect(drawnAt(fleet, 'a', 2500).lng).toBeCloseTo(0.001, 9);
  });

  it('does not animate a move of more than 300 m', () => {
    const fleet = applied(
      { frame: frame([row('a', 0)]), now: 0 },
      { frame: frame([row('a', 0.003)]), now: 1000 },
    );
    expect(drawnAt(fleet, 'a', 1000).lng).toBe(0.003);
  });

  it('moves at once if reduced motion is preferred', () => {
    const fleet = applied(
      { frame: frame([row('a', 0)]), now: 0 },
      { frame: frame([row('a', 0.001)]), now: 1000, glides: false },
    );
    expect(drawnAt(fleet, 'a', 1000).lng).toBeCloseTo(0.001, 9);
  });

  it('turns in the shorter direction', () => {
    const fleet = applied(
      { frame: frame([row('a', 0, { heading: 350 })]), now: 0 },
      { frame: frame([row('a', 0, { heading: 10 })]), now: 1000 },
    );
    expect(drawnAt(fleet, 'a', 1500).heading).toBeCloseTo(360, 3);
  });

  it('has no heading if it is unknown', () => {
    const fleet = applied({ frame: frame([row('a', 0, { heading: null })]), now: 0 });
    expect(drawnAt(fleet, 'a', 0).heading).toBeNaN();
    expect(fleet.hasHeading(fleet.slotOf(ref('a'))!)).toBe(false);
  });

  it('removes vehicles that left or are silent, and keeps the positions of the others', () => {
    const silent: VehicleRow = ['c', 0, 0, 0, 0, 'available', 'silent', 0];
    const fleet = applied(
      { frame: frame([row('a', 0.001), row('b', 0.002), row('c', 0.003), row('d', 0.004)]), now: 0 },
      {
        frame: frame(
          [silent],
          [
            ['a', 0],
            ['never seen', 0],
          ],
        ),
        now: 1000,
      },
    );
    expect(fleet.size).toBe(2);
    expect(fleet.slotOf(ref('a'))).toBeUndefined();
    expect(drawnAt(fleet, 'b', 1000).lng).toBe(0.002);
    expect(drawnAt(fleet, 'd', 1000).lng).toBe(0.004);
    expect(fleet.refAt(fleet.slotOf(ref('d'))!)).toEqual(ref('d'));
  });

  it('separates vehicles of two providers with the same device id', () => {
    const fleet = applied(
      { frame: frame([row('a', 0.001), row('a', 0.002, { provider: 1 })]), now: 0 },
      { frame: frame([row('a', 0.003)]), now: 1000 },
    );
    expect(fleet.size).toBe(2);
    expect(drawnAt(fleet, 'a', 5000).lng).toBe(0.003);
    expect(drawnAt(fleet, 'a', 5000, 'q').lng).toBe(0.002);
    fleet.apply(frame([], [['a', 0]]), { now: 6000, whole: false, glides: true });
    expect([fleet.slotOf(ref('a')), fleet.slotOf(ref('a', 'q'))]).toEqual([undefined, 0]);
    fleet.apply(frame([row('a', 0)]), { now: 7000, whole: true, glides: true });
    expect([fleet.slotOf(ref('a')), fleet.slotOf(ref('a', 'q'))]).toEqual([0, undefined]);
  });

  it('removes vehicles that are not in a snapshot', () => {
    const fleet = applied(
      { frame: frame([row('a', 0), row('b', 0)]), now: 0 },
      { frame: frame([row('b', 0), row('c', 0)]), now: 1000, whole: true },
    );
    expect([fleet.slotOf(ref('a')), fleet.size]).toEqual([undefined, 2]);
  });

  it('keeps all vehicles when it grows beyond its initial capacity', () => {
    const rows = Array.from({ length: 3000 }, (_, index) => row(`v${index}`, index / 100));
    const fleet = applied({ frame: frame(rows), now: 0 });
    expect(fleet.size).toBe(3000);
    expect(drawnAt(fleet, 'v0', 0).lng).toBe(0);
    expect(drawnAt(fleet, 'v2999', 0).lng).toBe(29.99);
  });
});

describe('shorterTurn', () => {
  it.each([
    [0, 90, 90],
    [350, 10, 20],
    [10, 350, -20],
    [725, 0, -5],
    [-350, 20, 10],
  ])('from %d to %d is %d', (from, to, turn) => {
    expect(shorterTurn(from, to)).toBeCloseTo(turn, 9);
  });
});
