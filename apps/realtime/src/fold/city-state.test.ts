import { describe, expect, it } from 'vitest';
import { vehicleDetail } from '../views/vehicle-detail.js';
import { vehicleRow } from '../views/frame.js';
import { CityState, MAX_CLOCK_LEAD_MS, type CityEvent, type ProviderFilter } from './city-state.js';
import { SILENT_AFTER_MS, STALE_AFTER_MS } from './vehicle.js';
import {
  id,
  NOW,
  OTHER_PROVIDER,
  PROVIDER,
  riderEvent,
  telemetry,
  tripReport,
  vehicleEvent,
} from './events.fixture.js';
import { CANCELLATIONS_WINDOW_MS, TRIP_KEPT_MS } from './fleet-trips.js';
import { CLOCK_TOLERANCE_MS } from './newest.js';
import { MAX_RECENT_EVENTS } from './recent-events.js';
import { TRAIL_KEPT_MS, TRAIL_MS } from './trail.js';

function folded(...events: CityEvent[]): CityState {
  const city = new CityState();
  for (const event of events) city.fold(event, { receivedAt: NOW, now: NOW });
  return city;
}

const vehicleOf = (providerId: string) => ({ deviceId: id(1), providerId });
const figuresOf = (city: CityState, now = NOW, filter: ProviderFilter = null) => {
  city.advance(now);
  return city.summary(filter)!.figures;
};
const totalsOf = (city: CityState, filter: ProviderFilter = null) => {
  city.advance(NOW);
  return city.summary(filter)!.totals;
};
const detailOf = (city: CityState, now = NOW) => vehicleDetail(city, city.vehicle(vehicleOf(PROVIDER))!, now);

describe('a vehicle', () => {
  it('is at the position of its newest event, independent of the order of arrival', () => {
    const city = folded(
      telemetry({ timestamp: NOW, location: { lat: 2, lng: 2 } }),
      telemetry({ timestamp: NOW - 1_000, location: { lat: 1, lng: 1 } }),
    );
    expect(detailOf(city)).toMatchObject({ location: { lat: 2, lng: 2 }, located_at: NOW });
  });

  it('is at the position of the event with the greater id if times are equal', () => {
    const here = telemetry({ telemetry_id: id(8), location: { lat: 1, lng: 1 } });
    const elsewhere = telemetry({ telemetry_id: id(9), location: { lat: 2, lng: 2 } });
    expect(detailOf(folded(here, elsewhere)).location).toEqual({ lat: 2, lng: 2 });
    expect(detailOf(folded(elsewhere, here)).location).toEqual({ lat: 2, lng: 2 });
  });

  it('takes its position from vehicle events too, and its heading from the last telemetry', () => {
    const city = folded(
      telemetry({ timestamp: NOW - 1_000 }),
      vehicleEvent({ timestamp: NOW, location: { lat: 5, lng: 6 } }),
    );
    expect(detailOf(city).location).toEqual({ lat: 5, lng: 6, heading: 90, speed: 8.3 });
  });

  it('has no heading if its telemetry is older than a minute', () => {
    const city = folded(telemetry({ timestamp: NOW - STALE_AFTER_MS }), vehicleEvent());
    expect(detailOf(city).location).toEqual({ lat: 43.7384, lng: 7.4246 });
  });

  it('has been in its state since the first of the latest events with that state', () => {
    const city = folded(
      vehicleEvent({ timestamp: NOW, vehicle_state: 'non_operational', event_types: ['maintenance_end'] }),
      vehicleEvent({ timestamp: NOW - 9_000, vehicle_state: 'available', event_types: ['trip_end'] }),
      vehicleEvent({
        timestamp: NOW - 3_000,
        vehicle_state: 'non_operational',
        event_types: ['maintenance'],
      }),
      vehicleEvent({
        timestamp: NOW - 6_000,
        vehicle_state: 'non_operational',
        event_types: ['service_end'],
      }),
    );
    expect(detailOf(city)).toMatchObject({ vehicle_state: 'non_operational', state_since: NOW - 6_000 });
  });

  it('becomes stale and then silent, by event time', () => {
    const city = folded(telemetry({ timestamp: NOW }));
    expect(detailOf(city, NOW + STALE_AFTER_MS - 1).contact).toBe('live');
    expect(detailOf(city, NOW + STALE_AFTER_MS).contact).toBe('stale');
    expect(detailOf(city, NOW + SILENT_AFTER_MS).contact).toBe('silent');
    expect(vehicleRow(city.vehicle(vehicleOf(PROVIDER))!, 0, NOW + SILENT_AFTER_MS)).toBe(null);
  });

  it('keeps a limited number of its newest events', () => {
    const events = Array.from({ length: 50 }, (_, n) => vehicleEvent({ timestamp: NOW - n }));
    const retained = detailOf(folded(...events)).events;
    expect(retained.map((event) => event.timestamp)).toEqual(
      Array.from({ length: MAX_RECENT_EVENTS }, (_, n) => NOW - n),
    );
  });

  it('keeps a trail of ten minutes, oldest point first', () => {
    const seconds = Array.from({ length: 900 }, (_, n) => n);
    const city = folded(...seconds.map((n) => telemetry({ timestamp: NOW - n * 1_000 })));
    const times = detailOf(city).trail.map(([, , , timestamp]) => timestamp);
    expect(times).toEqual([...times].toSorted((a, b) => a - b));
    expect(times.at(-1)).toBe(NOW);
    expect(NOW - times[0]!).toBeGreaterThan(TRAIL_MS - 5_000);
    expect(NOW - times[0]!).toBeLessThanOrEqual(TRAIL_MS);
  });

  it('drops a trail without new points after a day', () => {
    const timestamp = NOW + TRAIL_KEPT_MS + 10_000;
    const city = folded(telemetry({ timestamp: NOW }), telemetry({ device_id: id(2), timestamp: NOW }));
    city.fold(telemetry({ device_id: id(2), timestamp }), { receivedAt: timestamp, now: timestamp });
    city.forget();
    expect(detailOf(city).trail).toEqual([]);
    expect(detailOf(city).location).not.toBe(null);
  });

  it('is not moved by an event from a clock that is far ahead, but is counted', () => {
    const city = new CityState();
    const ahead = telemetry({ timestamp: NOW + MAX_CLOCK_LEAD_MS + 1, location: { lat: 9, lng: 9 } });
    expect(city.fold(ahead, { receivedAt: NOW, now: NOW })).toBe('ahead-of-clock');
    expect(detailOf(city).location).toBe(null);
    city.fold(telemetry(), { receivedAt: NOW, now: NOW });
    expect(detailOf(city).located_at).toBe(NOW);
    expect(totalsOf(city)).toMatchObject({ devicesSeen: 1, eventsSeen: 2 });
    expect(figuresOf(city).newestEventAt).toBe(NOW);
  });
});

describe('a clock that is ahead', () => {
  const LEAD_MS = 90_000;

  it('does not keep a vehicle in place: a later event with an earlier time is folded', () => {
    const city = new CityState();
    const ahead = telemetry({ timestamp: NOW + LEAD_MS, location: { lat: 9, lng: 9 } });
    city.fold(ahead, { receivedAt: NOW, now: NOW });
    expect(detailOf(city)).toMatchObject({ location: { lat: 9, lng: 9 }, located_at: NOW });
    city.fold(telemetry({ timestamp: NOW + 1_000, location: { lat: 1, lng: 1 } }), {
      receivedAt: NOW + 1_000,
      now: NOW + 1_000,
    });
    expect(detailOf(city)).toMatchObject({ location: { lat: 1, lng: 1 }, located_at: NOW + 1_000 });
  });

  it('does not keep a vehicle in its state', () => {
    const city = new CityState();
    city.fold(vehicleEvent({ timestamp: NOW + LEAD_MS }), { receivedAt: NOW, now: NOW });
    const later = NOW + 1_000;
    const start = vehicleEvent({ timestamp: later, vehicle_state: 'on_trip', event_types: ['trip_start'] });
    city.fold(start, { receivedAt: later, now: later });
    expect(detailOf(city)).toMatchObject({ vehicle_state: 'on_trip', state_since: later });
    expect(figuresOf(city, later)).toMatchObject({ tripsNow: 1, newestEventAt: later });
  });

  it('is accepted if it is always ahead, in the order of its own times', () => {
    const city = new CityState();
    const points = [0, 1, 2, 3].map((n) =>
      telemetry({
        telemetry_id: id(9 - n),
        timestamp: NOW + LEAD_MS + n * 1_000,
        location: { lat: 10 + n, lng: 0 },
      }),
    );
    for (const point of points.toReversed()) city.fold(point, { receivedAt: NOW, now: NOW });
    expect(detailOf(city)).toMatchObject({ location: { lat: 13, lng: 0 }, located_at: NOW, contact: 'live' });
  });

  it('does not make the newest event look recent after events have stopped', () => {
    const city = folded(telemetry({ timestamp: NOW + LEAD_MS }));
    expect(figuresOf(city)).toMatchObject({ newestEventAt: NOW, newestReceivedAt: NOW });
  });

  it('is trusted within the tolerance', () => {
    const city = folded(telemetry({ timestamp: NOW + CLOCK_TOLERANCE_MS }));
    expect(detailOf(city).located_at).toBe(NOW + CLOCK_TOLERANCE_MS);
  });
});

describe('figures', () => {
  it('count recent vehicles by state, and silent ones separately', () => {
    const city = folded(
      telemetry({ device_id: id(1) }),
      vehicleEvent({ device_id: id(2) }),
      vehicleEvent({ device_id: id(3), timestamp: NOW - SILENT_AFTER_MS }),
    );
    expect(figuresOf(city)).toMatchObject({ byState: { unknown: 1, reserved: 1 }, silent: 1 });
    expect(totalsOf(city).byState).toMatchObject({ unknown: 1, reserved: 2 });
  });

  it('count a silent vehicle again after a new event', () => {
    const city = folded(telemetry({ timestamp: NOW }));
    expect(figuresOf(city, NOW + SILENT_AFTER_MS)).toMatchObject({ silent: 1 });
    city.fold(telemetry({ timestamp: NOW + SILENT_AFTER_MS }), {
      receivedAt: NOW + SILENT_AFTER_MS,
      now: NOW,
    });
    expect(figuresOf(city, NOW + SILENT_AFTER_MS)).toMatchObject({ silent: 0, byState: { unknown: 1 } });
  });

  it('count vehicles whose events are two days old as silent', () => {
    const devices = Array.from({ length: 468 }, (_, n) => n);
    const city = folded(
      ...devices.map((n) => telemetry({ device_id: id(n + 1), timestamp: NOW - 2 * 86_400_000 - n })),
    );
    expect(totalsOf(city)).toMatchObject({ devicesSeen: 468, eventsSeen: 468 });
    expect(figuresOf(city).silent).toBe(468);
  });

  it('count requests that wait for a vehicle, with the longest wait', () => {
    const city = folded(
      riderEvent({ trip_id: id(101), timestamp: NOW - 40_000 }),
      riderEvent({ trip_id: id(102), timestamp: NOW - 90_000 }),
      riderEvent({ trip_id: id(103), timestamp: NOW - 99_000 }),
      vehicleEvent({ trip_ids: [id(103)], timestamp: NOW - 95_000 }),
    );
    expect(figuresOf(city)).toMatchObject({ requestsWaiting: 2, longestWaitMs: 90_000, tripsNow: 1 });
  });

  it.each([
    ['a rider', [riderEvent({ event_type: 'ride_cancel' })]],
    ['the driver', [vehicleEvent({ vehicle_state: 'available', event_types: ['driver_cancellation'] })]],
    [
      'a rider, as rider and vehicle both tell,',
      [
        riderEvent({ event_type: 'ride_cancel' }),
        vehicleEvent({ vehicle_state: 'available', event_types: ['passenger_cancellation'] }),
      ],
    ],
  ])('count a trip that %s cancelled once, for a quarter of an hour', (_, cancellation) => {
    const city = folded(riderEvent({ timestamp: NOW - 60_000 }), ...cancellation, ...cancellation);
    expect(figuresOf(city)).toMatchObject({ cancellations: 1, requestsWaiting: 0, tripsNow: 0 });
    expect(figuresOf(city, NOW + CANCELLATIONS_WINDOW_MS)).toMatchObject({ cancellations: 0 });
  });

  it('count a reported trip as ended, even if vehicle events arrive later', () => {
    const start = vehicleEvent({
      vehicle_state: 'on_trip',
      event_types: ['trip_start'],
      timestamp: NOW - 9_000,
    });
    expect(figuresOf(folded(start)).tripsNow).toBe(1);
    expect(figuresOf(folded(tripReport(), start)).tripsNow).toBe(0);
  });

  it('leave out trips without events for hours, and drop them', () => {
    const city = folded(riderEvent(), vehicleEvent());
    expect(figuresOf(city, NOW + TRIP_KEPT_MS).tripsNow).toBe(0);
    const timestamp = NOW + TRIP_KEPT_MS + CLOCK_TOLERANCE_MS;
    city.fold(telemetry({ device_id: id(2), timestamp }), { receivedAt: timestamp, now: timestamp });
    city.forget();
    expect(detailOf(city).trip).toBe(null);
  });

  it('are those of one provider if one is selected', () => {
    const city = folded(
      telemetry(),
      telemetry({ device_id: id(2), provider_id: OTHER_PROVIDER }),
      riderEvent(),
    );
    expect(figuresOf(city, NOW, OTHER_PROVIDER)).toMatchObject({
      byState: { unknown: 1 },
      requestsWaiting: 0,
    });
    expect(totalsOf(city, OTHER_PROVIDER)).toMatchObject({ devicesSeen: 1, eventsSeen: 1 });
    expect(figuresOf(city, NOW, id(77))).toMatchObject({ silent: 0, newestEventAt: null });
  });
});

describe('the maximum number of trips of a provider', () => {
  it('drops the trip that was added first, counts it, and concerns no other provider', () => {
    const city = new CityState({ trips: 2 });
    const request = (trip: number, provider_id = PROVIDER) =>
      city.fold(riderEvent({ trip_id: id(trip), provider_id }), { receivedAt: NOW, now: NOW });
    for (const trip of [1, 2, 3, 4, 3]) request(trip);
    request(5, OTHER_PROVIDER);
    expect(figuresOf(city, NOW, PROVIDER)).toMatchObject({ tripsOverQuota: 2, requestsWaiting: 2 });
    expect(figuresOf(city)).toMatchObject({ tripsOverQuota: 2, requestsWaiting: 3 });
    expect(figuresOf(city, NOW, OTHER_PROVIDER)).not.toHaveProperty('tripsOverQuota');
    expect([...city.waitingTrips(PROVIDER)].map(({ tripId }) => tripId)).toEqual([id(3), id(4)]);
  });
});

describe('the maximum number of vehicles of a provider', () => {
  const [limits, at] = [{ vehicles: 2 }, { receivedAt: NOW, now: NOW }];

  it('leaves further vehicles out, counts their events, and concerns no other provider', () => {
    const city = new CityState(limits);
    const fold = (device: number, provider_id = PROVIDER) =>
      city.fold(telemetry({ device_id: id(device), provider_id }), at);
    expect([fold(1), fold(2), fold(3), fold(4), fold(3), fold(1)]).toEqual([
      'folded',
      'folded',
      'no-room',
      'no-room',
      'no-room',
      'folded',
    ]);
    expect(fold(5, OTHER_PROVIDER)).toBe('folded');
    expect(figuresOf(city, NOW, PROVIDER)).toMatchObject({ overQuota: 3, byState: { unknown: 2 } });
    expect(figuresOf(city)).toMatchObject({ overQuota: 3, byState: { unknown: 3 } });
    expect(figuresOf(city, NOW, OTHER_PROVIDER)).not.toHaveProperty('overQuota');
    expect(totalsOf(city, PROVIDER)).toMatchObject({ devicesSeen: 2, eventsSeen: 6 });
  });

  it('has room again once a vehicle was dropped', () => {
    const city = new CityState({ ...limits, vehiclesKeptMs: 3_600_000 });
    const fold = (device: number, timestamp: number) =>
      city.fold(telemetry({ device_id: id(device), timestamp }), { receivedAt: timestamp, now: timestamp });
    fold(1, NOW - 4_000_000);
    fold(2, NOW);
    expect(fold(3, NOW)).toBe('no-room');
    city.forget();
    expect(fold(3, NOW)).toBe('folded');
  });
});

describe('providers', () => {
  it('do not change vehicles of another one with the same device id', () => {
    const city = folded(
      telemetry({ location: { lat: 1, lng: 1 } }),
      telemetry({ provider_id: OTHER_PROVIDER, location: { lat: 2, lng: 2 }, timestamp: NOW + 1 }),
    );
    expect(city.vehicle(vehicleOf(PROVIDER))?.location).toEqual({ lat: 1, lng: 1 });
    expect(city.vehicle(vehicleOf(OTHER_PROVIDER))?.location).toEqual({ lat: 2, lng: 2 });
    expect(city.vehicle(vehicleOf(id(77)))).toBe(null);
    const owners = (scope: string | null) =>
      city.vehiclesWithId(id(1), scope).map(({ providerId }) => providerId);
    expect(owners(null)).toEqual([PROVIDER, OTHER_PROVIDER]);
    expect(owners(OTHER_PROVIDER)).toEqual([OTHER_PROVIDER]);
    expect(owners(id(77))).toEqual([]);
  });

  it('do not change trips of another one with the same trip id', () => {
    const ended = tripReport({ provider_id: OTHER_PROVIDER });
    const city = folded(riderEvent({ timestamp: NOW - 60_000 }), vehicleEvent(), ended);
    expect(figuresOf(city, NOW, PROVIDER)).toMatchObject({ tripsNow: 1 });
    expect(detailOf(city).trip).toMatchObject({ trip_id: id(100) });
  });

  it('do not replace events of another one with the same event ids', () => {
    const same = { event_id: id(7) };
    const city = folded(
      vehicleEvent({ ...same, provider_id: OTHER_PROVIDER, vehicle_state: 'available' }),
      vehicleEvent({ ...same, vehicle_state: 'on_trip', event_types: ['trip_start'] }),
    );
    expect(detailOf(city)).toMatchObject({
      vehicle_state: 'on_trip',
      events: [{ vehicle_state: 'on_trip' }],
    });
  });
});

describe('the trip of a vehicle', () => {
  it('has the time of the request, the destination and the last rider event', () => {
    const city = folded(riderEvent({ timestamp: NOW - 60_000 }), vehicleEvent());
    expect(detailOf(city).trip).toEqual({
      trip_id: id(100),
      requested_at: NOW - 60_000,
      destination: { lat: 43.7311, lng: 7.4189 },
      last_rider_event: 'ride_request',
    });
  });

  it('is absent after the trip has ended', () => {
    const end = vehicleEvent({ vehicle_state: 'available', event_types: ['trip_stop', 'trip_end'] });
    expect(detailOf(folded(riderEvent({ timestamp: NOW - 1 }), end)).trip).toBe(null);
  });
});
