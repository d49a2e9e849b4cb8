import { describe, expect, it } from 'vitest';
import { compareTrips, standardErrorOf, type RebuiltRow, type TrueRide } from './compare-trips.js';

const completed: TrueRide = {
  trip_id: 'completed',
  provider_id: 'provider',
  rider_id: 'rider',
  device_id: 'device',
  requested_at: 1_000,
  assigned_at: 2_000,
  picked_up_at: 60_000,
  dropped_off_at: 600_000,
  cancelled_at: null,
  cancelled_by: null,
  distance_meters: 2_000,
  deadhead_meters: 300,
};
const cancelled: TrueRide = {
  ...completed,
  trip_id: 'cancelled',
  picked_up_at: null,
  dropped_off_at: null,
  cancelled_at: 30_000,
  cancelled_by: 'rider',
  distance_meters: null,
};
const rides = [completed, cancelled];

function rowOf(ride: TrueRide): RebuiltRow {
  const date = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
  return {
    ...ride,
    state: ride.dropped_off_at === null ? 'cancelled' : 'completed',
    requested_at: date(ride.requested_at),
    assigned_at: date(ride.assigned_at),
    picked_up_at: date(ride.picked_up_at),
    dropped_off_at: date(ride.dropped_off_at),
    cancelled_at: date(ride.cancelled_at),
    matched_distance: ride.distance_meters,
  };
}

const rows = rides.map(rowOf);
const allEqual = {
  rides: 2,
  completed: 1,
  equal: 2,
  missing: 0,
  extra: 0,
  wrongIds: 0,
  wrongStates: 0,
  wrongTimes: 0,
  differences: [],
};

describe(compareTrips, () => {
  it('finds no difference between rides and equal trips', () => {
    const distances = { known: 1, within: 1, withinShare: 1, withinResolution: 1, excess: 0, worst: 0 };
    expect(compareTrips(rides, rows)).toEqual({ ...allEqual, distances, roadDistances: distances });
  });

  it('counts missing and extra trips', () => {
    expect(compareTrips(rides, [])).toMatchObject({ equal: 0, missing: 2, extra: 0 });
    expect(compareTrips([], rows)).toMatchObject({ rides: 0, equal: 0, missing: 0, extra: 2 });
    expect(compareTrips(rides, [...rows, { ...rows[0]!, trip_id: 'other' }])).toMatchObject({
      equal: 2,
      missing: 0,
      extra: 1,
      differences: ['other: extra, completed'],
    });
  });

  it.each([
    ['wrongIds', { device_id: 'other' }],
    ['wrongIds', { rider_id: null }],
    ['wrongIds', { provider_id: 'other' }],
    ['wrongStates', { state: 'in_progress' }],
    ['wrongStates', { cancelled_by: 'driver' }],
    ['wrongTimes', { picked_up_at: new Date(60_006) }],
    ['wrongTimes', { dropped_off_at: null }],
    ['wrongTimes', { cancelled_at: new Date(600_000) }],
  ] as const)('counts a trip as one of %s with %j', (count, change) => {
    const comparison = compareTrips(rides, [{ ...rows[0]!, ...change }, rows[1]!]);
    expect(comparison).toMatchObject({ equal: 1, [count]: 1 });
    expect(comparison.differences).toHaveLength(1);
  });

  it('allows times of events of one moment that are some milliseconds apart', () => {
    const row = { ...rows[0]!, picked_up_at: new Date(60_005) };
    expect(compareTrips(rides, [row, rows[1]!])).toMatchObject({ equal: 2, wrongTimes: 0 });
  });

  it.each([
    { meters: 2_020, within: 1, withinShare: 1 },
    { meters: 1_979, within: 0, withinShare: 0, worst: -0.010_5 },
    { meters: 2_100, within: 0, withinShare: 0, worst: 0.05 },
  ])('compares a distance of 2,000 m with $meters m', ({ meters, ...expected }) => {
    const row = { ...rows[0]!, distance_meters: meters };
    expect(compareTrips(rides, [row, rows[1]!]).distances).toMatchObject({ known: 1, ...expected });
  });

  it('allows 5 m of a short ride', () => {
    const short = { ...completed, distance_meters: 100 };
    const row = { ...rowOf(short), distance_meters: 104.9 };
    expect(compareTrips([short], [row])).toMatchObject({
      distances: { within: 1, withinShare: 0, withinResolution: 0 },
      differences: ['completed: distance_meters 104.9 m, 100.000 m driven in 540.0 s'],
    });
  });

  it.each([
    [0.56, 1],
    [0.65, 0],
  ])(
    'allows what the resolution of speeds leaves open in a ride of 0.8 s: %d m of 0.576 m',
    (meters, count) => {
      const cut = { ...completed, dropped_off_at: 60_800, distance_meters: 0.576 };
      const row = { ...rowOf(cut), distance_meters: meters };
      expect(compareTrips([cut], [row]).distances).toMatchObject({ withinShare: 0, withinResolution: count });
    },
  );

  it('counts distances that are not known', () => {
    const row = { ...rows[0]!, distance_meters: null };
    expect(compareTrips(rides, [row, rows[1]!])).toMatchObject({
      distances: { known: 0, within: 0 },
      roadDistances: { known: 1, within: 1 },
      differences: ['completed: no distance_meters, 2000.000 m driven'],
    });
  });
});

describe(standardErrorOf, () => {
  it('is the spread of integrals of rounded speeds', () => {
    // Speeds at 0 (exact), 1, 2 and 2.4 s count for 0.5, 1, 0.7 and 0.2 s.
    expect(standardErrorOf(2.4)).toBeCloseTo((0.1 * Math.sqrt(1 + 0.49 + 0.04)) / Math.sqrt(12), 9);
    expect(standardErrorOf(1)).toBeCloseTo(0.05 / Math.sqrt(12), 9);
    expect(standardErrorOf(0.8)).toBeCloseTo(0.04 / Math.sqrt(12), 9);
    expect(standardErrorOf(900) / standardErrorOf(100)).toBeCloseTo(3, 1);
  });
});
