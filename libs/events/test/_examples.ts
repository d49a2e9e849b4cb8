import type { RiderEvent, Telemetry, Trip, VehicleEvent } from '../src/index.js';

const deviceId = '0195a0c4-7a10-7000-8000-000000000001';
const providerId = '0195a0c4-7a10-7000-8000-0000000000aa';
const tripId = '0195a0c4-7a10-7000-8000-000000000bbb';

export const telemetry: Telemetry = {
  device_id: deviceId,
  provider_id: providerId,
  telemetry_id: '0195a0c4-7a10-7000-8000-000000000002',
  timestamp: 1_760_000_000_000,
  trip_ids: null,
  journey_id: null,
  location: { lat: 43.7384, lng: 7.4246, heading: 90, speed: 8.3 },
};

export const vehicleEvent: VehicleEvent = {
  device_id: deviceId,
  provider_id: providerId,
  event_id: '0195a0c4-7a10-7000-8000-000000000003',
  vehicle_state: 'on_trip',
  event_types: ['trip_start'],
  timestamp: 1_760_000_000_000,
  location: { lat: 43.7384, lng: 7.4246 },
  trip_ids: [tripId],
};

export const riderEvent: RiderEvent = {
  event_id: '0195a0c4-7a10-7000-8000-000000000004',
  provider_id: providerId,
  rider_id: '0195a0c4-7a10-7000-8000-000000000005',
  trip_id: tripId,
  event_type: 'ride_request',
  timestamp: 1_760_000_000_000,
  location: { lat: 43.7384, lng: 7.4246 },
  destination: { lat: 43.7311, lng: 7.4189 },
};

export const trip: Trip = {
  provider_id: providerId,
  device_id: deviceId,
  trip_id: tripId,
  trip_type: 'private',
  trip_attributes: {
    hail_type: 'app',
    passenger_count: 2,
    requested_time: 1_760_000_000_000,
    quoted_trip_start_time: 1_760_000_120_000,
  },
  fare_attributes: { payment_type: 'mobile_app', fare_type: 'upfront_pricing', tip: 150 },
  start_time: 1_760_000_100_000,
  end_time: 1_760_000_700_000,
  start_location: { lat: 43.7384, lng: 7.4246 },
  end_location: { lat: 43.7311, lng: 7.4189 },
  duration: 600,
  distance: 2_750,
  actual_cost: 1_450,
  currency: 'EUR',
};
