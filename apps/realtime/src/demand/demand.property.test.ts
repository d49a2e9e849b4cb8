import fc from 'fast-check';
import { getResolution, gridDisk, latLngToCell } from 'h3-js';
import { describe, expect, it } from 'vitest';
import { CityState } from '../fold/city-state.js';
import {
  id,
  NOW,
  OTHER_PROVIDER,
  PROVIDER,
  riderEvent,
  telemetry,
  vehicleEvent,
} from '../fold/events.fixture.js';
import { received, type Received } from '../fold/received.fixture.js';
import { QueryError, QueryParameters } from '../query/query-parameters.js';
import { demandMap, MAX_CELLS, parseDemandQuery } from './demand.js';

const SILENT_MS = 600_000;
const MINUTE_MS = 60_000;
const MINUTES = 15;

const query = (more: Record<string, unknown> = {}, allowed: string | null = null) =>
  parseDemandQuery(new QueryParameters({ resolution: '7', minutes: String(MINUTES), ...more }), allowed);

/** Rider events in few places, so that cells have several; vehicles that are available or not. */
const place = fc.record({
  lat: fc.integer({ min: 0, max: 6 }).map((n) => 43.7 + n / 100),
  lng: fc.integer({ min: 0, max: 6 }).map((n) => 7.4 + n / 100),
});
const timestamp = fc.integer({ min: 0, max: 25 * 60 }).map((seconds) => NOW - seconds * 1_000);
const provider_id = fc.constantFrom(PROVIDER, OTHER_PROVIDER);
const cityEvents: fc.Arbitrary<Received> = fc
  .oneof(
    fc
      .record({
        location: place,
        timestamp,
        provider_id,
        trip_id: fc.nat(12).map((n) => id(300 + n)),
        event_type: fc.constantFrom('ride_request', 'ride_request', 'ride_cancel' as const),
      })
      .map((change) => riderEvent(change)),
    fc
      .record({
        location: place,
        timestamp,
        provider_id,
        device_id: fc.nat(9).map((n) => id(1 + n)),
        isAvailable: fc.boolean(),
        trip: fc.nat(12).map((n) => id(300 + n)),
      })
      .map(({ isAvailable, trip, ...change }) =>
        vehicleEvent({
          ...change,
          ...(isAvailable
            ? { vehicle_state: 'available', event_types: ['service_start'], trip_ids: null }
            : { vehicle_state: 'reserved', event_types: ['reservation_start'], trip_ids: [trip] }),
        }),
      ),
  )
  .map((input) => ({ input, receivedAt: NOW }));

/** The counts by their definition, from the events alone. */
function countAll(events: readonly Received[], provider: string | null) {
  const inputs = events
    .map(({ input }) => input)
    .filter((input) => {
      return provider === null || input.event.provider_id === provider;
    });
  const counts = new Map<string, { requests: number; waiting: number; available: number }>();
  const of = ({ lat, lng }: { lat: number; lng: number }) => {
    const cell = latLngToCell(lat, lng, 7);
    const known = counts.get(cell) ?? { requests: 0, waiting: 0, available: 0 };
    counts.set(cell, known);
    return known;
  };
  const newest = <T extends { timestamp: number; event_id: string }>(of_: readonly T[]) =>
    of_.toSorted((a, b) => b.timestamp - a.timestamp || (a.event_id < b.event_id ? 1 : -1))[0];
  const riders = inputs.flatMap((input) => (input.kind === 'rider-events' ? [input.event] : []));
  const vehicles = inputs.flatMap((input) => (input.kind === 'vehicle-events' ? [input.event] : []));
  for (const key of new Set(riders.map((event) => `${event.provider_id} ${event.trip_id}`))) {
    const own = riders.filter((event) => `${event.provider_id} ${event.trip_id}` === key);
    const request = newest(own.filter(({ event_type: type }) => type === 'ride_request'));
    if (request === undefined) continue;
    const isTaken = vehicles.some(
      (event) => event.provider_id === request.provider_id && event.trip_ids?.includes(request.trip_id),
    );
    const cancelledAt = Math.max(
      ...own.filter(({ event_type: type }) => type === 'ride_cancel').map((event) => event.timestamp),
    );
    if (request.timestamp > NOW - MINUTES * MINUTE_MS) of(request.location).requests += 1;
    if (!isTaken && cancelledAt < request.timestamp) of(request.location).waiting += 1;
  }
  for (const key of new Set(vehicles.map((event) => `${event.provider_id} ${event.device_id}`))) {
    const event = newest(vehicles.filter((one) => `${one.provider_id} ${one.device_id}` === key))!;
    if (event.vehicle_state === 'available' && NOW - event.timestamp < SILENT_MS) {
      of(event.location).available += 1;
    }
  }
  return [...counts]
    .filter(([, { requests, waiting, available }]) => requests + waiting + available > 0)
    .map(([cell, { requests, waiting, available }]) => {
      const nearby = gridDisk(cell, 1).reduce((sum, near) => sum + (counts.get(near)?.available ?? 0), 0);
      return [cell, requests, waiting, available, nearby];
    })
    .sort(([one], [other]) => (one! < other! ? -1 : 1));
}

function cityOf(events: readonly Received[]): CityState {
  const city = new CityState();
  for (const { input, receivedAt } of events) city.fold(input, { receivedAt, now: NOW });
  return city;
}

describe('demandMap', { timeout: 60_000 }, () => {
  it('has the counts of all events, in any order and with repetitions', () => {
    const arrivals = fc.array(cityEvents, { minLength: 1, maxLength: 50 }).chain((events) =>
      fc.tuple(
        fc.constant(events),
        fc
          .array(fc.constantFrom(...events), { maxLength: 15 })
          .chain((again) =>
            fc.shuffledSubarray([...events, ...again], { minLength: events.length + again.length }),
          ),
      ),
    );
    fc.assert(
      fc.property(
        arrivals,
        fc.constantFrom(null, PROVIDER, OTHER_PROVIDER),
        ([events, shuffled], provider) => {
          const { cells } = demandMap(
            cityOf(shuffled),
            query(provider === null ? {} : { provider_id: provider }),
            NOW,
          );
          expect(cells.map((cell) => cell.slice(0, 5))).toEqual(countAll(events, provider));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is the same for any events whatever their order', () => {
    fc.assert(
      fc.property(fc.array(received, { maxLength: 60 }), (events) => {
        const inOrder = demandMap(cityOf(events), query(), NOW);
        expect(demandMap(cityOf(events.toReversed()), query(), NOW)).toEqual(inOrder);
      }),
      { numRuns: 100 },
    );
  });

  it('has whole cells within the area of the query, with their corners', () => {
    const events = [0, 1, 2, 3].map((n) => ({
      input: riderEvent({ trip_id: id(400 + n), location: { lat: 43.7 + n / 10, lng: 7.4 } }),
      receivedAt: NOW,
    }));
    const all = demandMap(cityOf(events), query(), NOW);
    const { cells } = demandMap(cityOf(events), query({ bbox: '7,43.75,8,43.95' }), NOW);
    expect(all.cells).toHaveLength(4);
    expect(cells).toHaveLength(2);
    for (const [cell, , , , , corners] of cells) {
      expect(getResolution(cell)).toBe(7);
      expect(corners.length).toBeGreaterThanOrEqual(10);
    }
  });

  it('refuses a response with too many cells, and invalid parameters', () => {
    const city = new CityState();
    for (let n = 0; n <= MAX_CELLS; n += 1) {
      const location = { lat: 40 + (n % 100) / 10, lng: (n - (n % 100)) / 1_000 };
      city.fold(telemetry({ device_id: id(n), location }), { receivedAt: NOW, now: NOW });
      city.fold(
        vehicleEvent({
          device_id: id(n),
          location,
          vehicle_state: 'available',
          event_types: ['service_start'],
        }),
        { receivedAt: NOW, now: NOW },
      );
    }
    expect(() => demandMap(city, query(), NOW)).toThrow(QueryError);
    expect(() => query({ resolution: '11' })).toThrow(/from 4 to 10/);
    expect(() => query({ minutes: '0' })).toThrow(/from 1 to 60/);
    expect(() => query({ provider_id: OTHER_PROVIDER }, PROVIDER)).toThrow(/limited to the provider/);
  });
});
