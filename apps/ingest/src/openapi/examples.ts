import type { RiderEvent, Telemetry, Trip, VehicleEvent } from '@hailstream/events';

const provider = '2411d395-04f2-47c9-ab66-d09e9e3c3251';
const device = '0197a1c0-8a3e-7c11-9a50-3f1d2b7c9e10';
const trip = '0197a1c4-1b2d-7f05-8e61-5a9c0d3e7b22';
const startedAt = 1_750_320_000_000;
const harbour = { lat: 43.7347, lng: 7.4206 };
const casino = { lat: 43.7392, lng: 7.4277 };

const telemetry: Telemetry = {
  device_id: device,
  provider_id: provider,
  telemetry_id: '0197a1c5-3c4e-7a16-8f72-6bad1e4f8c33',
  timestamp: startedAt + 60_000,
  trip_ids: [trip],
  journey_id: null,
  location: { ...harbour, heading: 47, speed: 8.3, horizontal_accuracy: 5 },
};

const vehicleEvent: VehicleEvent = {
  device_id: device,
  provider_id: provider,
  event_id: '0197a1c6-4d5f-7b27-9083-7cbe2f509d44',
  vehicle_state: 'on_trip',
  event_types: ['trip_start'],
  timestamp: startedAt,
  location: harbour,
  trip_ids: [trip],
};

const endedTrip: Trip = {
  provider_id: provider,
  device_id: device,
  trip_id: trip,
  trip_type: 'private',
  start_time: startedAt,
  end_time: startedAt + 420_000,
  start_location: harbour,
  end_location: casino,
  duration: 420,
  distance: 1_650,
  trip_attributes: {
    hail_type: 'app',
    passenger_count: 2,
    requested_time: startedAt - 300_000,
    quoted_trip_start_time: startedAt - 30_000,
  },
  fare_attributes: { payment_type: 'credit_card', fare_type: 'upfront_pricing' },
  actual_cost: 1_450,
  currency: 'EUR',
};

const riderEvent: RiderEvent = {
  event_id: '0197a1c7-5e60-7c38-a194-8dcf30610e55',
  provider_id: provider,
  rider_id: '0197a1c8-6f71-7d49-b2a5-9ed041721f66',
  trip_id: trip,
  event_type: 'ride_request',
  timestamp: startedAt - 300_000,
  location: harbour,
  destination: casino,
};

/** One valid item for each path. */
export const examples: Readonly<Record<string, unknown>> = {
  telemetry,
  events: vehicleEvent,
  trips: endedTrip,
  'rider-events': riderEvent,
};
