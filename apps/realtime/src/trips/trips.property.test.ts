import type { Period } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { id, NOW, OTHER_PROVIDER, PROVIDER, tripReport } from '../fold/events.fixture.js';
import { isOf, occurrenceOf, type Occurrence } from './occurrence.js';
import { trackOf } from './track.js';
import { TripIndex, type TripQuery } from './trip-index.js';
import { TripStory } from './trip-page.js';
import { placeAt, receivedEvents, telemetryTimes, trueTrips, type TrueTrip } from './trips.fixture.js';
import { vehicleTimeline } from './vehicle-timeline.js';

const trips = trueTrips(NOW);
const everything: TripQuery = {
  text: '',
  filter: null,
  deviceId: null,
  stages: null,
  from: null,
  to: null,
};

function read(seed: number): { readonly index: TripIndex; readonly occurrences: Occurrence[] } {
  const index = new TripIndex();
  const occurrences = receivedEvents(trips, NOW, seed).flatMap(
    ({ input, receivedAt }) => occurrenceOf(input, receivedAt) ?? [],
  );
  occurrences.forEach((occurrence, place) => index.fold(occurrence, place));
  return { index, occurrences };
}

/** The events and reports of a trip, as its places have them. */
function storyOf(
  { tripId, providerId }: TrueTrip,
  { index, occurrences }: ReturnType<typeof read>,
): TripStory {
  const [trip] = index.withId(tripId, providerId);
  return new TripStory(
    trip!.summary,
    trip!.places.map((place) => occurrences[place]!),
  );
}

function telemetryOf(
  { deviceId, providerId }: Pick<TrueTrip, 'deviceId' | 'providerId'>,
  all: readonly Occurrence[],
) {
  return all.filter(isOf('telemetry')).filter(({ input: { event } }) => {
    return event.device_id === deviceId && event.provider_id === providerId;
  });
}

/** The distance of two places in metres, with another formula than the code: on a sphere with the local radius. */
function alongMeridian(from: number, to: number): number {
  const lat = (((from + to) / 2) * Math.PI) / 180;
  const radius = (6_378_137 * (1 - 0.006_694_38)) / (1 - 0.006_694_38 * Math.sin(lat) ** 2) ** 1.5;
  return (radius * (to - from) * Math.PI) / 180;
}

const isDriven = (trip: TrueTrip): boolean => trip.startedAt !== null;
const latestFirst = trips.toSorted((a, b) => b.requestedAt - a.requestedAt || (a.tripId < b.tripId ? -1 : 1));

describe.each([1, 2, 3, 4, 5])('trips of shuffled, late and repeated events, seed %i', (seed) => {
  const log = read(seed);

  it('are listed as they happened, the latest first', () => {
    expect(log.index.list(everything).map(({ summary }) => summary)).toEqual(
      latestFirst.map((trip) => ({
        trip_id: trip.tripId,
        provider_id: trip.providerId,
        device_id: trip.reservedAt === null ? null : trip.deviceId,
        stage: trip.cancelledBy === null ? 'ended' : 'cancelled',
        began_at: trip.requestedAt,
        requested_at: trip.requestedAt,
        started_at: trip.startedAt,
        ended_at: trip.endedAt,
        cancelled_by: trip.cancelledBy,
        is_reported: trip.report !== null,
      })),
    );
  });

  it.each([10, 55, 100])('that were under way at a time are selected by it (%i minutes ago)', (minutes) => {
    const at = NOW - minutes * 60_000;
    // The operator of a wrong report says that the trip lasted longer.
    const lastAt = (trip: TrueTrip): number => trip.endedAt! + (trip.report === 'wrong' ? 600_000 : 0);
    const expected = latestFirst.filter((trip) => trip.requestedAt <= at && lastAt(trip) >= at);
    const listed = log.index.list({ ...everything, from: at, to: at });
    expect(listed.map(({ facts }) => facts.tripId)).toEqual(expected.map(({ tripId }) => tripId));
    expect(expected.length).toBeGreaterThan(0);
  });

  it('are selected by text, provider, vehicle and stage', () => {
    const ids = (query: Partial<TripQuery>) =>
      log.index.list({ ...everything, ...query }).map(({ facts }) => facts.tripId);
    const where = (isMatch: (trip: TrueTrip) => boolean) =>
      latestFirst.filter(isMatch).map(({ tripId }) => tripId);
    expect(ids({ text: trips[3]!.tripId.toUpperCase() })).toEqual([trips[3]!.tripId]);
    expect(ids({ text: 'cancel' })).toEqual(where(({ cancelledBy }) => cancelledBy !== null));
    expect(ids({ text: `ended ${trips[2]!.deviceId.slice(-6)}` })).toEqual(
      where((trip) => trip.deviceId === trips[2]!.deviceId && isDriven(trip)),
    );
    expect(ids({ filter: OTHER_PROVIDER })).toEqual(where(({ providerId }) => providerId === OTHER_PROVIDER));
    expect(ids({ deviceId: trips[1]!.deviceId })).toEqual(
      where((trip) => trip.deviceId === trips[1]!.deviceId && trip.reservedAt !== null),
    );
    expect(ids({ stages: new Set(['cancelled']) })).toEqual(where(({ cancelledBy }) => cancelledBy !== null));
    expect(ids({ stages: new Set(['requested']) })).toEqual([]);
  });

  it('have a page with their stages, waits and the differences of the report', () => {
    for (const trip of trips) {
      const story = storyOf(trip, log);
      const track = trackOf(telemetryOf(trip, log.occurrences));
      const page = story.page({ track, trackProblem: null, now: NOW, unreadableRecords: 3 });
      expect(page.unreadable_records).toBe(3);
      const { requestedAt, reservedAt, arrivedAt, startedAt, endedAt } = trip;
      const marks = [requestedAt, reservedAt, arrivedAt, startedAt].filter((at) => at !== null);
      const stages = ['requested', 'reserved', 'stopped', 'on_trip'] as const;
      expect(page.stages).toEqual(
        marks.map((from, n) => ({ stage: stages[n], from, to: marks[n + 1] ?? endedAt })),
      );
      const ms = (from: number | null, to: number | null) =>
        from === null || to === null ? null : to - from;
      expect(page.waits).toEqual({
        assignment_ms: ms(requestedAt, reservedAt),
        approach_ms: ms(reservedAt, arrivedAt),
        boarding_ms: ms(arrivedAt, startedAt),
        pickup_ms: ms(requestedAt, startedAt),
        ride_ms: ms(startedAt, isDriven(trip) ? endedAt : null),
      });
      expect(page.events.map(({ timestamp }) => timestamp)).toEqual([...marks, endedAt]);
      const ended = isDriven(trip) ? ({ right: 'matches', wrong: 'differs' } as const) : null;
      expect(page.verdict).toBe(
        ended === null ? 'none' : trip.report === null ? 'missing' : ended[trip.report],
      );
      const differing = page.fields.filter(({ differs }) => differs).map(({ field }) => field);
      const compared = trip.gap === null ? ['end_time', 'duration', 'distance'] : ['end_time', 'duration'];
      expect(differing).toEqual(trip.report === 'wrong' ? compared : []);
      expect(page.distance_problem !== null).toBe(trip.report !== null && trip.gap !== null);
    }
  });

  it('have a route with the distance, the speeds and the gaps of the telemetry', () => {
    for (const trip of trips.filter(isDriven)) {
      const read = { now: NOW, unreadableRecords: 0 };
      const route = storyOf(trip, log).route(trackOf(telemetryOf(trip, log.occurrences)), read);
      const times = telemetryTimes(trip).filter((at) => at <= trip.endedAt!);
      expect(route.points.map(([lat, lng, , at]) => ({ lat, lng, at }))).toEqual(
        times.map((at) => ({ ...placeAt(trip, at), at })),
      );
      const latAt = (at: number | null) => placeAt(trip, at!).lat;
      const ride = alongMeridian(latAt(trip.startedAt), latAt(trip.endedAt));
      expect(Math.abs(route.ride_meters - ride)).toBeLessThan(2);
      expect(
        Math.abs(route.approach_meters - alongMeridian(latAt(trip.reservedAt), latAt(trip.startedAt))),
      ).toBeLessThan(2);
      expect(route.gaps).toEqual(trip.gap === null ? [] : [trip.gap]);
      const speed = trip.providerId === PROVIDER ? 11 : 11.1;
      for (const [, , at] of route.points.slice(1)) {
        if (at !== null) expect(at).toBeCloseTo(speed, 0);
      }
      expect(route.mean_speed).toBeCloseTo(11.1, 1);
    }
  });

  it('are on the timeline of their vehicle, with its states, gaps and stillness', () => {
    const vehicles = new Map(trips.map(({ deviceId, providerId }) => [deviceId, providerId]));
    for (const [deviceId, providerId] of vehicles) {
      const own = trips.filter((trip) => trip.deviceId === deviceId);
      const period: Period = { from: own[1]!.requestedAt, to: own[4]!.requestedAt };
      const mine = log.occurrences.filter(
        ({ input }) => 'device_id' in input.event && input.event.device_id === deviceId,
      );
      const listed = log.index.list({ ...everything, filter: providerId, deviceId, ...period });
      const request = { deviceId, providerId, ...period, earliest: null, now: NOW };
      const timeline = vehicleTimeline(request, {
        occurrences: mine,
        trips: listed.map(({ summary }) => summary),
        problem: null,
        unreadableRecords: 0,
      });
      const changes = own.flatMap((trip) => {
        const states = [
          [trip.reservedAt, 'reserved'],
          [trip.arrivedAt, 'stopped'],
          [trip.startedAt, 'on_trip'],
          [trip.reservedAt === null ? null : trip.endedAt, 'available'],
        ] as const;
        return states.flatMap(([at, state]) => (at === null ? [] : [{ at, state }]));
      });
      const initial = changes.findLast(({ at }) => at <= period.from)?.state ?? null;
      const within = changes.filter(({ at }) => at > period.from && at < period.to);
      const marks = [{ at: period.from, state: initial }, ...within];
      expect(timeline.states).toEqual(
        marks.map(({ at, state }, n) => ({
          vehicle_state: state,
          from: at,
          to: marks[n + 1]?.at ?? period.to,
        })),
      );
      const rests = own.slice(1, 4).filter((trip) => trip.rests);
      expect(timeline.still.map(({ from, to }) => ({ from, to }))).toEqual(
        rests.map(({ endedAt }) => ({ from: endedAt, to: endedAt! + 600_000 })),
      );
      const times = own
        .flatMap((trip) => [
          ...telemetryTimes(trip),
          ...[trip.reservedAt, trip.arrivedAt, trip.startedAt, trip.reservedAt && trip.endedAt].filter(
            (at) => at !== null,
          ),
        ])
        .filter((at) => at >= period.from && at <= period.to)
        .sort((a, b) => a - b);
      const edges = [period.from, ...times, period.to];
      expect(timeline.gaps).toEqual(
        edges.slice(1).flatMap((to, n) => (to - edges[n]! > 120_000 ? [{ from: edges[n], to }] : [])),
      );
      expect(timeline.trips.map(({ trip_id: tripId }) => tripId)).toEqual(
        own
          .filter((trip) => trip.reservedAt !== null && trip.requestedAt <= period.to)
          .filter((trip) => trip.endedAt! + (trip.report === 'wrong' ? 600_000 : 0) >= period.from)
          .map(({ tripId }) => tripId),
      );
    }
  });
});

describe('vehicleTimeline', () => {
  it('has no gap before the first event of the log', () => {
    const [trip] = trips;
    const { occurrences } = read(6);
    const request = {
      deviceId: trip!.deviceId,
      providerId: trip!.providerId,
      from: trip!.requestedAt - 3_600_000,
      to: trip!.requestedAt + 600_000,
      now: NOW,
    };
    const mine = occurrences.filter(({ input }) => {
      return 'device_id' in input.event && input.event.device_id === trip!.deviceId;
    });
    const gapsWith = (earliest: number | null) =>
      vehicleTimeline(
        { ...request, earliest },
        { occurrences: mine, trips: [], problem: null, unreadableRecords: 0 },
      ).gaps;
    const [gap, ...others] = gapsWith(null);
    expect(gap).toEqual({ from: request.from, to: trip!.reservedAt });
    expect(gapsWith(trip!.requestedAt)).toEqual(others);
  });
});

describe('TripIndex', () => {
  it('drops the trips whose last events are the oldest if there are too many', () => {
    const index = new TripIndex(20);
    const ofOne = read(9).occurrences.filter(({ input }) => input.event.provider_id === PROVIDER);
    ofOne.toSorted((a, b) => a.at - b.at).forEach((occurrence, place) => index.fold(occurrence, place));
    expect(index.size).toBeLessThanOrEqual(20);
    expect([index.isCut(null), index.isCut(PROVIDER), index.isCut(OTHER_PROVIDER)]).toEqual([
      true,
      true,
      false,
    ]);
    const kept = index.list(everything).map(({ facts }) => facts.tripId);
    const latest = latestFirst.filter(({ providerId }) => providerId === PROVIDER).slice(0, 15);
    expect(latest).toHaveLength(15);
    expect(latest.every(({ tripId }) => kept.includes(tripId))).toBe(true);
  });

  it('keeps the trips of a provider that has few, however many another one has later', () => {
    const index = new TripIndex(20);
    const report = (providerId: string, n: number): Occurrence => {
      const trip = { provider_id: providerId, trip_id: id(n), start_time: NOW + n, end_time: NOW + n };
      const occurrence = occurrenceOf(tripReport(trip), NOW);
      if (occurrence === null) throw new Error('a report is about a trip');
      return occurrence;
    };
    for (let n = 0; n < 5; n += 1) index.fold(report(PROVIDER, n), n);
    for (let n = 5; n < 500; n += 1) index.fold(report(OTHER_PROVIDER, n), n);
    expect(index.size).toBeLessThanOrEqual(20);
    expect(index.list({ ...everything, filter: PROVIDER })).toHaveLength(5);
    expect([index.isCut(PROVIDER), index.isCut(OTHER_PROVIDER)]).toEqual([false, true]);
    expect(index.withId(id(499), null)).toHaveLength(1);
  });
});
